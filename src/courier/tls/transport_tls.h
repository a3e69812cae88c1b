/*
 * What a courier makes of a transport's TLS settings once, before its sandbox closes: keys, certificates,
 * tables.
 */
#ifndef CAUSEWAY_COURIER_TRANSPORT_TLS_H
#define CAUSEWAY_COURIER_TRANSPORT_TLS_H

#include "courier/tls/requiretls.h"
#include "net/tls.h"
#include "settings/settings.h"
#include "table/table.h"
#include "talk/tls_policy.h"

struct transport_tls {
	struct tls_context *context;     /* NULL: this side has not what TLS needs, see problem */
	char *problem;
	struct tls_anchors *anchors;     /* of tls_trust_anchor_file; NULL: none */
	struct table_list *policies;     /* tls_policy_maps; NULL: none */
	struct table_list *sites;        /* the obsolete tls_per_site, where there are no policies; NULL: none */
	struct requiretls_policy *requiretls;   /* requiretls_policy */
	struct tls_cipherlists ciphers;  /* borrowed from the settings */
	struct map *anchors_of;          /* anchors that entries of the policies name, by their files */
	unsigned log;                    /* TLS_LOG_… of tls_loglevel */
	struct table_list *log_levels;   /* tls_loglevel_maps; NULL: none */
	bool log_below;                  /* a domain there stands for its sub-domains too */
};

/* Opens and reads all. False: *option is the one to blame, *why (free() it) what is wrong. With for_check no
 * key is opened; without, keys and certificates that are no good are told in `problem`, and mail that needs
 * no TLS goes on. */
bool transport_tls_read(struct transport_tls *, const struct manner *, const struct settings *,
	bool for_check, const char **option, char **why);
/* The anchors in files that an entry names, read when they are first needed if that entry was not there at
 * the start; NULL and *why (free() it) if they cannot be had. */
const struct tls_anchors *transport_tls_anchors(const struct transport_tls *, const char *files, char **why);
/* Does without TLS, and says why. */
void transport_tls_off(struct transport_tls *, const char *why);
/* A warning to the log if it is so. */
void transport_tls_tell(const struct transport_tls *, const char *transport);
/* The TLS_LOG_… bits for a host. */
unsigned transport_tls_log(const struct transport_tls *, const char *name, const char *address);
void transport_tls_clear(struct transport_tls *);

#endif
