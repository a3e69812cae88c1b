#include "spool/disk/ids.h"

#include <time.h>

#include "format/journal/queue_id.h"

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t ids_take(struct ids *ids, unsigned count)
{
	uint64_t clock = now(), last = atomic_load(&ids->last), first;

	do
		first = clock > last ? clock : last + 1;
	while (!atomic_compare_exchange_weak(&ids->last, &last, first + count - 1));
	return queue_id_make(first, 0);
}

void ids_saw(struct ids *ids, uint64_t id)
{
	uint64_t micros = queue_id_microseconds(id), last = atomic_load(&ids->last);

	while (micros > last && !atomic_compare_exchange_weak(&ids->last, &last, micros))
		continue;
}

uint64_t ids_last(struct ids *ids)
{
	return queue_id_make(atomic_load(&ids->last), 0);
}
