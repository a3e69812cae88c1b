/* Where a connection goes to or comes from: an IPv4 or IPv6 address with a port, or the path of a UNIX
 * socket. A plain value. */
#ifndef CAUSEWAY_NET_ENDPOINT_H
#define CAUSEWAY_NET_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ENDPOINT_TEXT_SIZE 120       /* bytes for any endpoint's address as text with its NUL */

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	} at;
	socklen_t size;
};

/* False if path is empty or longer than the system allows (107 bytes). */
bool endpoint_unix(struct endpoint *, const char *path);

/* address: numeric, without brackets; false if it is not. */
bool endpoint_inet(struct endpoint *, const char *address, uint16_t port);

/* bytes: 4 or 16 of an address in network order, as in A and AAAA records; false if there are not so many.
 * The port is 0. */
bool endpoint_binary(struct endpoint *, const void *bytes, size_t n);

void endpoint_set_port(struct endpoint *, uint16_t port);   /* not of a path */

/* The numeric address or the path; returns out. */
const char *endpoint_text(const struct endpoint *, char out[ENDPOINT_TEXT_SIZE]);

uint16_t endpoint_port(const struct endpoint *);      /* 0 for a path */
bool endpoint_is_unix(const struct endpoint *);
bool endpoint_is_v6(const struct endpoint *);
bool endpoint_is_loopback(const struct endpoint *);   /* 127.0.0.0/8 or ::1 */
bool endpoint_same(const struct endpoint *, const struct endpoint *);

#endif
