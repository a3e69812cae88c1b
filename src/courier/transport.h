/*
 * What a courier makes of a transport's settings once, before its sandbox closes, so that no connection and
 * no message has to: tables opened, words and addresses read.
 */
#ifndef CAUSEWAY_COURIER_TRANSPORT_H
#define CAUSEWAY_COURIER_TRANSPORT_H

#include "courier/tls/transport_tls.h"
#include "net/endpoint.h"
#include "settings/settings.h"

struct credentials;

struct transport {
	const struct manner *manner;     /* borrowed from the settings */
	struct endpoint from4, from6;    /* to connect from; size 0: the system chooses */
	int64_t idle_time;               /* ms for which an idle connection is kept */
	struct match_list *kept;         /* hosts and sockets whose connections are kept in any case */
	unsigned discard;                /* EHLO_… taken as not announced, where no table says otherwise */
	struct table_list *discard_maps; /* by the peer's address; NULL: none */
	unsigned pix;                    /* PIX_… where no table says otherwise */
	struct table_list *pix_maps;     /* by the peer's address; NULL: none */
	struct credentials *credentials; /* to log in with; NULL: no login */
	struct table *reply_filter;      /* by the line of a reply; NULL: none */
	struct checks *checks;           /* of header fields and lines; NULL: none */
	struct generic *generic;         /* mapping of addresses; NULL: none */
	/* whether the DNS is asked at all; whether its answers should be validated */
	bool dns, dnssec;
	bool host_dns, native;           /* host_lookup */
	bool defnames, dnsrch;           /* dns_resolver_options */
	struct table_list *dns_filter;   /* by the text of a DNS record; NULL: none */
	struct transport_tls tls;
};

struct transports;

/* Reads and opens all, but for_check no private key. NULL on failure: *path is the path of the option that is
 * to blame, *why what is wrong with it (free() both). The settings are borrowed. */
struct transports *transports_new(const struct settings *, bool for_check, char **path, char **why);
void transports_free(struct transports *);

/* None of them has TLS: OpenSSL cannot be used as it is set up. */
void transports_without_tls(struct transports *, const char *why);

/* Appends what OpenSSL does not know of the settings and passes over, a line "NAME: what" each. */
void transports_warnings(const struct transports *, struct buf *out);

/* Whether one of them has credentials. */
bool transports_log_in(const struct transports *);

/* The one of that name, or NULL. */
const struct transport *transports_find(const struct transports *, const char *name);

/* The address to connect to that peer from, or NULL. */
const struct endpoint *transport_from(const struct transport *, const struct endpoint *to);
/* Whether from no other: bind_address_enforce is about bind_address and bind_address6, not about
 * inet_interfaces. */
bool transport_from_must(const struct transport *, const struct endpoint *to);

/* Whether a connection to that nexthop may wait for more mail when it is idle. */
bool transport_keeps(const struct transport *, const char *nexthop);

/* The EHLO_… bits that are taken as not announced by the peer with that numeric address or path; false and a
 * constant complaint if its table cannot say. */
bool transport_discards(const struct transport *, const char *peer, unsigned *mask, const char **why);
/* The same for the PIX_… workarounds, should it be such a firewall. */
bool transport_pix(const struct transport *, const char *peer, unsigned *mask, const char **why);

#endif
