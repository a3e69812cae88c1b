/*
 * One end of a SOCK_SEQPACKET pair on the loop: packets out, in order and never blocking (what the kernel
 * does not take waits inside); packets in, one call-back each. After its end, told once and from the
 * loop, nothing more is heard and what is sent is dropped.
 */
#ifndef CAUSEWAY_LINK_CHANNEL_H
#define CAUSEWAY_LINK_CHANNEL_H

#include "base/buf.h"
#include "link/packet.h"
#include "net/loop.h"

struct channel;

struct channel_events {
	/* valid during the call; who keeps packet->fd sets it to -1, else it is closed */
	void (*packet)(void *arg, struct packet *);
	void (*ended)(void *arg, const char *why);         /* channel_free it later this turn */
};

/* Owns fd. most: packets taken in one turn. */
struct channel *channel_new(struct loop *, int fd, unsigned most, const struct channel_events *, void *arg);
void channel_free(struct channel *);

/* Sends b as one packet; fd is -1 or stays the caller's. */
void channel_send(struct channel *, const struct buf *b, int fd);
bool channel_is_quiet(const struct channel *);       /* nothing waits */

/* Ends the channel for a reason of the caller's: what, and detail or NULL. */
void channel_break(struct channel *, const char *what, const char *detail);
bool channel_broken(const struct channel *);

#endif
