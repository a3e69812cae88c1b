/*
 * Waits for the outcome of a drop file on the daemon's drop/socket (format/drop/wait_line.h), and prints it,
 * a line a recipient.
 */
#ifndef CAUSEWAY_TOOL_INJECT_WAIT_H
#define CAUSEWAY_TOOL_INJECT_WAIT_H

#include "format/smtp/envelope.h"
#include "tool/inject_drop.h"

struct inject_wait;

/* Tells the daemon which file is about to come; NULL and a line in *why (free() it) if there is no daemon, or
 * it does not serve us. Closed at once with inject_wait_free: the file is one like any other. */
struct inject_wait *inject_wait_new(const char *spool, const struct inject_drop *, char **why);
void inject_wait_free(struct inject_wait *);

/* The file was handed over, with the recipients of the envelope. Waits for at most ms, plus the daemon's last
 * word. The exit code: 75 if somebody was deferred or handed back, else 69 if somebody was refused, else 0. A
 * line in *why if the daemon keeps the message. */
int inject_wait_outcome(struct inject_wait *, struct inject_drop *, const struct envelope *, int64_t ms,
	char **why);

#endif
