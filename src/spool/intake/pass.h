/*
 * One pass over an open drop file: what it holds becomes messages, and their queue files, or parts of them,
 * are written on the way.
 */
#ifndef CAUSEWAY_SPOOL_PASS_H
#define CAUSEWAY_SPOOL_PASS_H

#include "spool/intake/store.h"

/* What becomes of what is read: nothing, the one message's queue file in memory, or a part for each
 * message. */
enum pass_aim { PASS_LOOK, PASS_UNWRITTEN, PASS_DISK };

/* Reads fd to its end into store->messages; on failure no part is left. wire_form: it is byte for byte a
 * queue file. */
enum store_result pass_run(struct store *, int fd, enum pass_aim, char *room, bool *wire_form);

/* Removes the parts of all messages that are stored, and of the one behind them. */
void pass_remove_parts(const struct store *);

#endif
