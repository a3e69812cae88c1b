/*
 * One connection to a peer, UNIX or inet: connecting, writing (bytes and ranges of a file), reading, one
 * deadline. Every ending is told once through `ended`; call-backs come from the loop, never from inside a
 * call made here. What the kernel takes at once needs no memory and no event; only what it does not take
 * waits here. A stream begins plain and can go over to TLS once; only this file knows how bytes get onto the
 * wire.
 */
#ifndef CAUSEWAY_NET_STREAM_H
#define CAUSEWAY_NET_STREAM_H

#include <stddef.h>

#include "base/buf.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/tls.h"

/* What all streams of a loop share: the buffer through which small files go. */
struct stream_shared;
struct stream_shared *stream_shared_new(struct loop *);
void stream_shared_free(struct stream_shared *);
/* Size in bytes of the socket buffers of inet connections made from now on; 0: the system's. */
void stream_shared_set_window(struct stream_shared *, int bytes);

enum stream_end {
	/* no connection came about; errno EAGAIN: the backlog of a UNIX socket is full */
	STREAM_REFUSED,
	STREAM_UNBOUND,       /* the address to bind to cannot be had, and it was a must */
	STREAM_CLOSED,        /* the peer has closed its side; errno 0 */
	STREAM_BROKEN,        /* reset, broken pipe … */
	/* the file to be sent cannot be read; errno 0: it is shorter than it should be */
	STREAM_UNREADABLE,
	STREAM_UNCHANGED,     /* what changes the file's bytes gave up */
	STREAM_UNSECURED      /* the TLS handshake failed: tls_fault says how */
};

struct stream_events {
	void (*opened)(void *arg);
	void (*heard)(void *arg, const char *bytes, size_t n);        /* bytes are valid during the call */
	/* all that had to wait has been taken by the kernel */
	void (*drained)(void *arg);
	/* the deadline passed; the stream goes on (while connecting it ends) */
	void (*late)(void *arg);
	/* the last call; stream_free it here or later */
	void (*ended)(void *arg, enum stream_end how, int error);
	void (*secured)(void *arg);          /* the TLS handshake is done */
};

struct stream;

/* from: NULL, or the address to bind to; must_bind: end with STREAM_UNBOUND if that fails, else go on
 * without. */
struct stream *stream_connect(struct stream_shared *, const struct endpoint *to,
	const struct endpoint *from, bool must_bind, const struct stream_events *, void *arg);
/* closes the connection; not from `heard`, `opened` or `drained` */
void stream_free(struct stream *);

/* Goes over to TLS: the handshake begins now, and `secured` or `ended` comes. Nothing may wait to be sent.
 * The stream owns the tls. */
void stream_secure(struct stream *, struct tls *);
struct tls *stream_tls(const struct stream *);      /* NULL: it is plain */

/* Says our close notice, if it can be sent at once; the peer's, or its end, comes as `ended`. */
void stream_goodbye(struct stream *);

/* Whether the peer has said something that was not heard yet: it will be at the end of this turn. A look at
 * the socket. */
bool stream_listen(struct stream *);

/* Sends n bytes behind what waits. True if all has been taken by the kernel; else `drained` or `ended`
 * comes. */
bool stream_write(struct stream *, const void *bytes, size_t n);

/* Lays n bytes behind what waits: they go out in one piece with what stream_write_changed sends next. */
void stream_keep(struct stream *, const void *bytes, size_t n);

/* Sends head, then size bytes of file fd from offset at; all is borrowed until it is sent. Result as
 * stream_write. */
bool stream_write_file(struct stream *, const void *head, size_t n, int fd, uint64_t at, uint64_t size);

/* The same, but what is sent of the file is what change appends for each piece of it; false: it gave up. */
struct stream_change {
	bool (*change)(void *arg, const char *bytes, size_t n, struct buf *out);
	void *arg;
};
bool stream_write_changed(struct stream *, const void *head, size_t n, int fd, uint64_t at, uint64_t size,
	const struct stream_change *);

/* `late` comes once after so many ms; 0: no limit. Of what the kernel takes meanwhile rate bytes give a
 * second back, but never more than there was; 0: any byte gives back all. */
void stream_deadline(struct stream *, int64_t ms, int64_t rate);
#define STREAM_NO_RATE INT64_MAX     /* nothing is given back */

/* errno of a bind that failed and was not a must; 0: none. */
int stream_bind_error(const struct stream *);

#endif
