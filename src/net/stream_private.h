/*
 * Inside the stream: stream.c has its life, its events and its deadline, stream_write.c what is sent,
 * stream_secure.c what TLS does in place of the system calls.
 */
#ifndef CAUSEWAY_NET_STREAM_PRIVATE_H
#define CAUSEWAY_NET_STREAM_PRIVATE_H

#include <sys/types.h>

#include "net/stream.h"

enum {
	SMALL_FILE = 64 * 1024,          /* up to here a file goes through the shared buffer, in one write */
	HEAD_ROOM = 16 * 1024
};

struct stream_shared {
	struct loop *loop;
	int window;                      /* bytes; 0: the system's */
	char buffer[HEAD_ROOM + SMALL_FILE];
};

struct range {
	int fd;
	off_t at;
	uint64_t left;
};

struct stream {
	struct stream_shared *shared;
	const struct stream_events *events;
	void *arg;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *deadline;
	int64_t limit, due;              /* ms, 0: none; loop_now when it is over */
	int64_t rate;                    /* bytes that give a second back; 0: any gives all */
	struct loop_task later;          /* tells of an opening or an end that was known at once; begins TLS */
	struct loop_task more;           /* reads what TLS still holds */
	struct buf waiting;              /* bytes the kernel has not taken yet */
	struct range file;               /* sent behind them */
	struct stream_change change;     /* change is NULL: as it is */
	bool connecting, open, over;
	bool securing;                   /* the TLS handshake is under way */
	bool parted;                     /* our close notice is said */
	struct tls *tls;                 /* NULL: plain */
	int bind_error;
	enum stream_end how;
	int error;
};

/* Whether something was given that the kernel has not taken. */
bool stream_is_waiting(const struct stream *);
/* Watches for what is wanted now. */
void stream_watch(struct stream *);
/* The end is told at the end of this turn, so that no call made here calls back. */
void stream_end_later(struct stream *, enum stream_end how, int error);
/* The kernel has taken so many bytes: the deadline moves. */
void stream_taken(struct stream *, uint64_t bytes);
/* Gives the kernel some of what waits. */
void stream_push(struct stream *);

/* The TLS side. Goes on with the handshake; true when it is over. */
bool stream_shake_hands(struct stream *);
/* As recv and send: -1 and errno EAGAIN for later. */
ssize_t stream_secure_take(struct stream *, char *bytes, size_t room);
ssize_t stream_secure_put(struct stream *, const char *bytes, size_t n);

#endif
