/* The counter of queue ids (doc/queue.md "Ids"). Any thread may take from it. */
#ifndef CAUSEWAY_SPOOL_IDS_H
#define CAUSEWAY_SPOOL_IDS_H

#include <stdatomic.h>
#include <stdint.h>

struct ids {
	_Atomic uint64_t last;   /* microseconds of the highest id given out or seen */
};

/* The first of count consecutive ids that were never used. */
uint64_t ids_take(struct ids *, unsigned count);

/* id was used. */
void ids_saw(struct ids *, uint64_t id);

/* The highest id given out or seen. */
uint64_t ids_last(struct ids *);

#endif
