#include "courier/delivery/coalesce.h"

enum {
	MEMORY = 16,                 /* transactions that the mean remembers */
	PART = 8,                    /* of a transaction's time that a rest may be */
	SHORTEST = 400,              /* us: below that a rest costs more than it saves */
	LONGEST = 2000               /* us */
};

/* What took longer than the longest rest is a part of says no more: one peer that hangs is soon forgotten. */
void coalesce_took(struct coalesce *c, int64_t micros)
{
	if (micros > LONGEST * PART)
		micros = LONGEST * PART;
	c->usual += (micros - c->usual) / MEMORY;
}

int64_t coalesce_rest(const struct coalesce *c, bool waiting)
{
	int64_t rest = c->usual / PART;

	if (!waiting || rest < SHORTEST)
		return 0;
	return rest < LONGEST ? rest : LONGEST;
}
