/*
 * How to talk to a destination: THE option table for smtp {} and lmtp {} and the struct that it describes.
 * Every smtp_X and lmtp_X parameter of the specification stands in manner_table.c as X, with its default as
 * text, read by the same setter as the user's values. A default may name other parameters ("$myhostname");
 * whoever reads the configuration file expands it.
 */
#ifndef CAUSEWAY_TALK_MANNER_H
#define CAUSEWAY_TALK_MANNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"

enum protocol { PROTOCOL_SMTP, PROTOCOL_LMTP };

/* "smtp" or "lmtp". */
const char *protocol_name(enum protocol);

/* option_row.use: the protocols whose section knows the row, and MANNER_OBSOLETE for what is accepted
 * with one warning (the row's help names the successor). */
enum { MANNER_SMTP = 1, MANNER_LMTP = 2, MANNER_BOTH = 3, MANNER_OBSOLETE = 4 };

enum tls_level {
	TLS_NONE, TLS_MAY, TLS_ENCRYPT, TLS_DANE, TLS_DANE_ONLY, TLS_FINGERPRINT, TLS_VERIFY, TLS_SECURE,
	TLS_UNSET   /* empty: derived from use_tls, enforce_tls and tls_enforce_peername; see manner_tls_level */
};
enum address_preference { PREFER_ANY, PREFER_IPV4, PREFER_IPV6 };
/* Mail for a peer without SMTPUTF8 of which nothing but the header is UTF-8: it is returned, sent as it is,
 * or its header becomes ASCII. */
enum utf8_headers { UTF8_STRICT, UTF8_DELIVER, UTF8_DOWNGRADE };
enum verify_target { VERIFY_RCPT, VERIFY_DATA };
enum insecure_mx { INSECURE_MX_MAY, INSECURE_MX_ENCRYPT, INSECURE_MX_DANE };
enum cipher_grade { CIPHER_HIGH, CIPHER_MEDIUM, CIPHER_LOW, CIPHER_EXPORT, CIPHER_NULL };
enum dns_support { DNS_SUPPORT_UNSET, DNS_SUPPORT_DISABLED, DNS_SUPPORT_ENABLED, DNS_SUPPORT_DNSSEC };

/*
 * Members are named after their parameter without smtp_ or lmtp_; where the two protocols have two names
 * for one thing, after the SMTP one. Durations are in ms, texts and lists are never NULL.
 */
struct manner {
	enum protocol protocol;

	/* the queue's limits for a destination; 0: none */
	int64_t initial_destination_concurrency, destination_concurrency_limit;
	int64_t destination_recipient_limit, destination_rate_delay;
	/* how the window of connections learns; queue/destination/window.h reads the two */
	char *destination_concurrency_positive_feedback, *destination_concurrency_negative_feedback;
	int64_t destination_concurrency_failed_cohort_limit;

	/* time limits of the stages (RFC 5321 4.5.3.2) */
	int64_t connect_timeout;   /* 0: the system's own */
	int64_t helo_timeout;      /* lmtp: lhlo_timeout */
	int64_t starttls_timeout, xforward_timeout, mail_timeout, rcpt_timeout, data_init_timeout;
	int64_t data_xfer_timeout, data_done_timeout, rset_timeout, quit_timeout;
	bool per_request_deadline, per_record_deadline;
	int64_t min_data_rate;     /* bytes a second */

	/* finding and connecting to hosts */
	char *tcp_port, *fallback_relay;
	char *bind_address, *bind_address6;
	bool bind_address_enforce;
	char *host_lookup, *dns_resolver_options, *dns_reply_filter;
	int dns_support_level;     /* enum dns_support */
	int address_preference;    /* enum address_preference */
	bool randomize_addresses, balance_inet_protocols;
	bool defer_if_no_mx_address_found, cname_overrides_servername;
	int64_t mx_address_limit, mx_session_limit;   /* 0: none */

	/* keeping connections */
	char *connection_cache_destinations;
	bool connection_cache_on_demand;
	int64_t connection_cache_time_limit, connection_reuse_time_limit;
	int64_t connection_reuse_count_limit;         /* 0: none */
	bool cache_connection;

	/* greeting and capabilities */
	char *helo_name;                              /* lmtp: lhlo_name */
	char *discard_ehlo_keywords, *discard_ehlo_keyword_address_maps;   /* lmtp: discard_lhlo_… */
	bool always_send_ehlo, never_send_ehlo, skip_4xx_greeting, skip_5xx_greeting;
	char *reply_filter;

	/* the transaction and its end */
	bool chunking, pipeline_transactions;
	bool quote_rfc821_envelope, send_xforward_command, send_dummy_mail_auth, skip_quit_response;
	int address_verify_target;                    /* enum verify_target */
	char *delivery_status_filter;
	bool assume_final;

	/* content */
	int64_t line_length_limit;                    /* 0: none */
	int utf8_headers;                             /* enum utf8_headers */
	char *generic_maps, *header_checks, *mime_header_checks, *nested_header_checks, *body_checks;
	char *pix_workarounds, *pix_workaround_maps;
	int64_t pix_workaround_threshold_time, pix_workaround_delay_time;

	/* SASL */
	bool sasl_auth_enable, sender_dependent_authentication, sasl_auth_soft_bounce;
	char *sasl_type, *sasl_path, *sasl_password_maps, *sasl_password_result_delimiter;
	char *sasl_mechanism_filter, *sasl_security_options, *sasl_tls_security_options;
	char *sasl_tls_verified_security_options, *sasl_auth_cache_name;
	int64_t sasl_auth_cache_time;

	/* TLS: how much of it, and for whom */
	int tls_security_level;                       /* enum tls_level; read it with manner_tls_level */
	int tls_dane_insecure_mx_policy;              /* enum insecure_mx */
	bool use_tls, enforce_tls, tls_enforce_peername;
	char *tls_per_site, *tls_policy_maps;
	bool tls_wrappermode, tls_connection_reuse, tls_enable_rpk, tls_block_early_mail_reply;
	bool tls_force_insecure_host_tlsa_lookup, tls_enforce_sts_mx_patterns;
	char *requiretls_policy;

	/* TLS: protocols and ciphers */
	char *tls_protocols, *tls_mandatory_protocols;
	int tls_ciphers, tls_mandatory_ciphers;       /* enum cipher_grade */
	char *tls_exclude_ciphers, *tls_mandatory_exclude_ciphers, *tls_cipherlist;

	/* TLS: whom to believe */
	char *tls_cafile, *tls_capath, *tls_trust_anchor_file, *tls_servername;
	char *tls_verify_cert_match, *tls_secure_cert_match, *tls_fingerprint_cert_match, *tls_fingerprint_digest;
	int64_t tls_scert_verifydepth;

	/* TLS: who we are */
	char *tls_chain_files, *tls_cert_file, *tls_key_file, *tls_eccert_file, *tls_eckey_file;
	char *tls_dcert_file, *tls_dkey_file;

	/* TLS: sessions, logs and reports */
	char *tls_session_cache_database;
	int64_t tls_session_cache_timeout;
	char *tls_loglevel, *tls_loglevel_maps;
	int64_t tls_trace_size_limit;
	bool tls_note_starttls_offer, log_tls_feature_status;
	bool tlsrpt_enable, tlsrpt_skip_reused_handshakes;
	char *tlsrpt_socket_name;
};

/* A manner with the defaults of its protocol. */
struct manner *manner_new(enum protocol);
struct manner *manner_copy(const struct manner *);
void manner_free(struct manner *);

/* THE table, in the order in which it is shown. A name stands in it twice when the protocols' defaults
 * differ. */
const struct option_row *manner_rows(size_t *count);

/* Whether the protocol's section has the row; no two rows that it has share a name. */
bool manner_knows(enum protocol, const struct option_row *);

/* One protocol's row by its name without smtp_ or lmtp_; NULL: its section has no such option. */
const struct option_row *manner_row(enum protocol, const char *name);

/* Appends the value in the form that option_set (base/option.h) reads back; false for an unknown name. */
bool manner_print(const struct manner *, const char *name, struct buf *out);

/* The TLS level in force where no policy table says otherwise: tls_security_level, or what the obsolete
 * switches make of an empty one (never TLS_UNSET). */
enum tls_level manner_tls_level(const struct manner *);

/* Workarounds for PIX firewalls that break SMTP, and the bits that a list of their names stands for; words
 * that are none of them count for nothing. */
enum { PIX_DISABLE_ESMTP = 1, PIX_DELAY_DOTCRLF = 2 };
unsigned manner_pix(const char *list);

#endif
