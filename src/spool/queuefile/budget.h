/* How much memory, and how many descriptors, messages that are unwritten (doc/queue.md) may take together. */
#ifndef CAUSEWAY_SPOOL_BUDGET_H
#define CAUSEWAY_SPOOL_BUDGET_H

#include "net/loop.h"
#include "spool/journal/ledger.h"

struct budget;

/* less(arg) is called from the loop when there is one of them less. */
struct budget *budget_new(struct loop *, void (*less)(void *arg), void *arg);
void budget_free(struct budget *);

/* Whether more may be added; at first they may. */
void budget_allow(struct budget *, bool);
/* Bytes of content that may be added now. */
size_t budget_room(const struct budget *);
/* There is little room left, but room is being made as fast as mail goes out: waiting for it is cheaper than
 * the disk. */
bool budget_is_crowded(const struct budget *);

/* One more, of so many bytes. */
void budget_add(struct budget *, uint64_t size);
/* It is written, or finished: it is unwritten no more. */
void budget_gone(struct budget *, struct ledger_message *);

#endif
