/*
 * The hosts that a request may go to, one after the other in the order in which they are to be tried
 * (behaviour of Postfix' lmtp(8) for unix:PATH, inet:HOST[:PORT], [ADDRESS][:PORT], and lists of the last
 * two); behind them those of fallback_relay, unless the nexthop is a socket. Names are looked up only when
 * their turn comes.
 */
#ifndef CAUSEWAY_COURIER_HOSTS_H
#define CAUSEWAY_COURIER_HOSTS_H

#include "net/resolver.h"
#include "talk/manner.h"

struct hosts_setup {
	struct loop *loop;
	struct resolver *resolver;
	const char *myhostname;          /* the name of the host behind a UNIX socket */
	const char *known_tcp_ports;
};

struct host {
	/* as written in the nexthop; valid until the next host is asked for */
	const char *name;
	struct endpoint at;
	bool last;                       /* certainly no further one follows */
};

struct hosts;

/* All is borrowed. */
struct hosts *hosts_new(const struct hosts_setup *, const struct manner *, const char *nexthop);
void hosts_free(struct hosts *);     /* what was asked for does not come any more */

/* found gets the next host, or NULL if there is none; later, from the loop. */
void hosts_next(struct hosts *, void (*found)(void *arg, const struct host *), void *arg);

/* The host given last passed its handshake: counts for mx_session_limit. */
void hosts_count_session(struct hosts *);

/* Why no further host was given, if it was not for want of them: dsn "4.4.3", "5.4.4", "4.3.5" …, and one
 * line of text, else NULL. */
const char *hosts_failure(const struct hosts *, const char **dsn);

#endif
