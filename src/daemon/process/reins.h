/*
 * The supervisor's channel to its children (SOCK_SEQPACKET): a few typed messages, most with a
 * descriptor. The supervisor parses nothing from outside; children may only ask and report.
 */
#ifndef CAUSEWAY_DAEMON_REINS_H
#define CAUSEWAY_DAEMON_REINS_H

#include <stdbool.h>
#include <sys/types.h>

#include "net/loop.h"

enum reins_kind {
	/* supervisor → queue: a courier was started: slot, pid, its end of a link (fd) */
	REINS_COURIER,
	REINS_COURIER_GONE,   /* supervisor → queue: slot, pid, wait status */
	REINS_SETTINGS,       /* supervisor → queue: new settings (fd: sealed memfd) after a reload */
	REINS_LOG,            /* supervisor → queue: the log was reopened (fd; -1: syslog or stderr) */
	REINS_STOP,           /* supervisor → queue: stop cleanly */
	REINS_READY,          /* queue → supervisor: the spool is open */
	/* queue → supervisor: an operator asks for a reload; the answer is REINS_RELOADED */
	REINS_RELOAD,
	REINS_RELOADED,       /* supervisor → queue: text "" or the complaint */
	/* child → supervisor: text: what is in force; supervisor → queue: the same of courier slot, pid */
	REINS_SANDBOX,
	/* supervisor → queue: a listening socket (fd); slot: enum reins_listener */
	REINS_LISTEN,
	/* queue → supervisor: courier slot, pid has let go of its link, or stands still, and does not end */
	REINS_KILL,
	/* queue → supervisor: one more courier is wanted, with the slot QUEUE_SLOT_APART; once, and never again
	 * when it ends */
	REINS_APART,
	/* queue → supervisor: courier slot, pid only finishes what it has: another one is wanted in its place */
	REINS_REPLACE,
	REINS_LAST = REINS_REPLACE
};

/* The last two are those of the events: a socket and a file that is open for appending; fd -1: there is none
 * any more. */
enum reins_listener {
	REINS_SLOT_CONTROL, REINS_SLOT_METRICS, REINS_SLOT_DROP, REINS_SLOT_EVENTS, REINS_SLOT_EVENTS_FILE
};

struct reins_message {
	enum reins_kind kind;
	unsigned slot;
	pid_t pid;
	int status;           /* as of waitpid */
	int fd;               /* -1: none; the receiver owns it */
	char text[1024];
};

struct reins;
struct reins *reins_new(struct loop *, int fd, void (*heard)(void *arg, const struct reins_message *),
	void (*ended)(void *arg), void *arg);
void reins_free(struct reins *);
/* False if the other end is gone or does not take it. m->fd stays the caller's. */
bool reins_send(struct reins *, const struct reins_message *m);

#endif
