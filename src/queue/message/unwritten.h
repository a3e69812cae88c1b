/*
 * Active messages whose queue file is in memory only. Nothing is recorded about one before it is finished, or
 * written; so it is written when a recipient is judged and others are not, when it is to leave memory, and
 * when it has been in the way for a while.
 */
#ifndef CAUSEWAY_QUEUE_UNWRITTEN_H
#define CAUSEWAY_QUEUE_UNWRITTEN_H

#include "queue/message/active.h"

struct queue;
struct unwritten;

/* Without any. */
struct unwritten *unwritten_new(struct queue *);
void unwritten_free(struct unwritten *);

/* The message has no queue file; its active part is borrowed until it has one or is finished. */
void unwritten_add(struct unwritten *, struct active *);

/* One of its recipients was judged. */
void unwritten_judged(struct unwritten *, struct active *);

/* At the end of a turn: writes those of which somebody was judged and somebody was not. */
void unwritten_turn(struct unwritten *);

/* Writes it, if that is not under way; then what was judged is recorded, and settle_check follows. */
void unwritten_write(struct unwritten *, struct active *);

/* None is being written. */
bool unwritten_idle(const struct unwritten *);

#endif
