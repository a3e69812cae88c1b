/*
 * The effective configuration: read and checked by the supervisor (daemon/config/config.c), carried to queue
 * and courier in a sealed memfd, read-only there. Every option is a row of an option table (base/option.h);
 * the smtp {} and lmtp {} rows are those of talk/manner_table.c, all others those of settings_rows.c and
 * settings_other.c. File names travel, secrets never.
 */
#ifndef CAUSEWAY_SETTINGS_SETTINGS_H
#define CAUSEWAY_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/option.h"
#include "talk/manner.h"

/* Where Debian's dns-root-data keeps the root keys. */
#define SETTINGS_TRUST_ANCHOR_FILE "/usr/share/dns/root.key"
#define SETTINGS_HOSTS_FILE "/etc/hosts"

enum sandbox_choice { SANDBOX_TRY, SANDBOX_REQUIRE, SANDBOX_OFF };
enum log_address { LOG_ADDRESS_EXTERNAL, LOG_ADDRESS_INTERNAL };
enum from_format { FROM_STANDARD, FROM_OBSOLETE };
enum log_choice { LOG_CHOICE_TEXT, LOG_CHOICE_JSON };
enum pickup_form { PICKUP_FORM_AUTO, PICKUP_FORM_BSMTP, PICKUP_FORM_EML };

struct settings_transport {
	char *name;               /* "lmtp", "smtp", or a section title */
	char *nexthop;            /* "" if the route must give one */
	char *flags;              /* letters of talk/transport_flags.h */
	struct manner *manner;    /* its protocol is manner->protocol */
};

struct settings_pickup {
	char *path, *bad;
	int form;                 /* enum pickup_form */
	int64_t settle_time;
};

/* What all transports share about TLS; members are named as their parameters behind tls_. */
struct settings_tls {
	char *high_cipherlist, *medium_cipherlist, *null_cipherlist;
	char *eecdh_auto_curves, *ffdhe_auto_groups;
	char *disable_workarounds, *ssl_options, *config_file, *config_name;
	bool append_default_ca, fast_shutdown_enable;
	char *dane_digests;
	bool required_enable, requiretls_enable, requiretls_esmtp_header;
};

struct settings {
	/* top level */
	char *myhostname, *mydomain, *myorigin, *spool_directory, *user;
	int64_t workers;              /* 0: one per CPU */
	int sandbox;                  /* enum sandbox_choice */
	char *mailbox_domains, *mailbox_transport, *transport_maps, *default_transport, *relayhost;
	char *recipient_delimiter, *propagate_unmatched_extensions;
	bool soft_bounce;
	char *notify_classes, *double_bounce_recipient;
	char *bounce_notice_recipient, *delay_notice_recipient, *error_notice_recipient;
	int header_from_format;       /* enum from_format */
	bool helpful_warnings;
	char *default_delivery_status_filter;
	int64_t bounce_size_limit;    /* bytes */
	bool requiretls_redact_dsn;
	int64_t daemon_timeout;
	int64_t ipc_timeout;
	int64_t max_use, max_idle;    /* requests, ms; 0: none */
	int64_t delay_logging_resolution_limit;
	int info_log_address_format;  /* enum log_address */
	char *inet_protocols, *inet_interfaces, *proxy_interfaces, *known_tcp_ports;
	char *best_mx_transport, *use_srv_lookup, *dnssec_probe;
	bool disable_dns_lookups, ignore_mx_lookup_error, ignore_srv_lookup_error, allow_srv_lookup_fallback;
	bool enable_idna2003_compatibility;
	char *debug_peer_list, *parent_domain_matches_subdomains;
	int64_t debug_peer_level;
	char *sasl_secret_directory;
	bool send_cyrus_sasl_authzid;
	int64_t tcp_windowsize;       /* bytes; 0: the system's */
	struct settings_tls tls;
	int64_t connection_cache_ttl_limit, connection_cache_protocol_timeout;
	bool disable_mime_output_conversion, smtputf8_enable;
	char *smtputf8_autodetect_classes;
	int64_t mime_boundary_length_limit, mime_nesting_limit, header_size_limit, line_length_limit;
	/* queue { } */
	int64_t minimal_backoff_time, maximal_backoff_time;
	int64_t maximal_queue_lifetime, bounce_queue_lifetime, delay_warning_time;
	int64_t message_size_limit, active_limit, recipient_limit, owner_limit, hopcount_limit;
	int64_t minimum_free;         /* bytes; 0: 64 MiB or 1 % */
	/* resolver { } */
	char *resolver_servers, *resolver_trust_anchor_file, *resolver_hosts_file;
	/* log { } */
	char *log_to, *log_facility, *log_name;
	int log_format;               /* enum log_choice */
	/* events { } */
	char *events_file, *events_socket;
	/* control { } */
	char *control_socket, *control_http;
	/* sections */
	struct manner *smtp, *lmtp;
	struct settings_transport *transports;   /* "smtp" and "lmtp" first, then those of the file */
	size_t transport_count;
	struct settings_pickup *pickups;
	size_t pickup_count;
	void *others;                 /* rows that nothing acts on yet; owned by settings.c */
};

/* All defaults. */
struct settings *settings_new(void);
void settings_free(struct settings *);

/* The transport of that name, or NULL. */
const struct settings_transport *settings_transport(const struct settings *, const char *name);
/* "there is no transport 'NAME'", cleaned, with the name that it may have been meant to be; free() it. */
char *settings_no_transport(const struct settings *, const char *name);

/* The path of an option of the transport: those that need no declaration have sections of their own. free()
 * it. */
char *settings_transport_path(const struct settings_transport *, const char *option);

/* Sets one option by path ("queue.minimal_backoff_time", "myhostname", "transport.NAME.nexthop",
 * "lmtp.connect_timeout", "pickup./path.format"); sections with titles come into being when first named.
 * False and a constant complaint in *why. A transport starts from the smtp or lmtp values of the moment
 * when its "protocol" is set: set those first, then "protocol", then its other options. */
bool settings_set(struct settings *, const char *path, const char *value, const char **why);

/* The path of the option with that Postfix name (as settings_each shows them), or NULL; free() it. A
 * transport must exist to be found. */
char *settings_path(const struct settings *, const char *postfix_name);

/* What is to be known of an option besides its value; NULL if there is none of that path. */
const struct option_row *settings_row(const struct settings *, const char *path);

/* Whether the configuration file may not set it: it tells something of the process. */
bool settings_is_read_only(const struct settings *, const char *path);

/* "use X" if the option is obsolete, else NULL. */
const char *settings_successor(const struct settings *, const char *path);

/* Appends one line "path<TAB>value" per option, with values escaped; settings_read takes them back. */
bool settings_print(const struct settings *, struct buf *out);
struct settings *settings_read(const char *bytes, size_t n, const char **why);

/* Calls show(arg, name, value) for every effective value under its Postfix name (lmtp_connect_timeout,
 * minimal_backoff_time, syslog_name; what Postfix does not have as resolver_servers, log_to,
 * control_socket; named transports as NAME_X, pickup directories as pickup.PATH.X), in table order; with
 * only given for that one only. Returns how many. */
size_t settings_each(const struct settings *, const char *only,
	void (*show)(void *arg, const char *name, const char *value), void *arg);

#endif
