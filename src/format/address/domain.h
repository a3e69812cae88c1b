/*
 * Domain and host names as text: the form for keys, the form for DNS (IDNA2008, RFC 5890-5892, UTS 46),
 * address literals (RFC 5321 section 4.1.3) and the host part of a nexthop (Postfix transport(5)).
 * Everything shown to people keeps the form that was given.
 */
#ifndef CAUSEWAY_FORMAT_DOMAIN_H
#define CAUSEWAY_FORMAT_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define DOMAIN_SIZE 256    /* bytes for any domain here, with its NUL */

/* Whether t can be a host or domain name: labels of 1 to 63 letters, digits, '_', '-' (not at an end) or
 * characters above ASCII; 255 bytes at most; one dot at the end is allowed. If not, a constant complaint
 * in *why. */
bool domain_check(struct text t, const char **why);

/* The form for keys: ASCII letters in lower case, no dot at the end. Cut at DOMAIN_SIZE - 1 bytes;
 * returns out. */
const char *domain_key(struct text t, char out[DOMAIN_SIZE]);

/* The form for DNS: A-labels in lower case, no dot at the end. transitional: map four characters as
 * IDNA2003 did (enable_idna2003_compatibility). On refusal false and a constant complaint. */
bool domain_to_ascii(struct text t, bool transitional, char out[DOMAIN_SIZE], const char **why);

enum domain_kind { DOMAIN_NAME, DOMAIN_IPV4, DOMAIN_IPV6, DOMAIN_OTHER_LITERAL };

/* What the domain of a mail address is; for "[192.0.2.1]" and "[IPv6:2001:db8::1]" out gets the bare
 * address, else t itself. */
enum domain_kind domain_literal(struct text t, char out[DOMAIN_SIZE]);

/* The kind of a bare name or numeric address ("192.0.2.1", "2001:db8::1"); never DOMAIN_OTHER_LITERAL. */
enum domain_kind domain_numeric(struct text t);

/* What the nexthop of LMTP leads to; takes "unix:" ahead of a socket's path, or "inet:" ahead of a list of
 * hosts, off the front. */
enum domain_lmtp { DOMAIN_LMTP_SOCKET, DOMAIN_LMTP_HOSTS };
enum domain_lmtp domain_lmtp(struct text *nexthop);

/* What is wrong with the path of a socket, a constant complaint, or NULL. */
const char *domain_socket_complaint(struct text path);

/* One element of a nexthop: host, host:service, [host], [host]:service, [address], [ipv6:address], ... */
struct domain_nexthop {
	char host[DOMAIN_SIZE];  /* without brackets, as it was written */
	enum domain_kind kind;   /* DOMAIN_NAME, _IPV4 or _IPV6 */
	bool exact;              /* it stood in brackets: no MX or SRV lookup */
	uint16_t port;           /* 0: none given, or service is a name */
	char service[64];        /* as it was written; "" if none */
};

/* Reads one element (split a list with text_list_next first). On refusal false and a constant complaint. */
bool domain_nexthop(struct text t, struct domain_nexthop *out, const char **why);

#endif
