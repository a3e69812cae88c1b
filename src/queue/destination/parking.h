/*
 * Messages that wait on the disk for a destination: parked while it is dead for long, or while so many wait
 * for it that they would fill the memory which others need. Their envelope is gone, their id stays here,
 * first in first out.
 */
#ifndef CAUSEWAY_QUEUE_PARKING_H
#define CAUSEWAY_QUEUE_PARKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct destination;
struct entry;
struct message;

struct parking {
	uint64_t *ids;
	size_t head, end, room;
};

void parking_add(struct parking *, uint64_t id);              /* at the end */
bool parking_take(struct parking *, uint64_t *id);            /* the first; false: there is none */
size_t parking_count(const struct parking *);
void parking_free(struct parking *);                          /* forgets all; it can be used again */

/* The entry's message shall be due when the destination calls; an id that an earlier attempt left here serves
 * still. */
void parking_park(struct destination *, struct entry *);

/* Takes over messages that have failed at the destination. */
void parking_adopt(struct destination *, struct parking *failed);

/* Makes up to max parked messages due, none while the destination is suspended; returns how many. */
size_t parking_call(struct destination *, size_t max);

/* Makes all of them due, suspended or not: they may have another way now. */
void parking_call_elsewhere(struct destination *);

/* Whether the message that waits at the destination shall leave memory. */
bool parking_wanted(const struct destination *, const struct message *);

/* For a destination that lives: calls as many as there is room for in its line. */
void parking_refill(struct destination *);

#endif
