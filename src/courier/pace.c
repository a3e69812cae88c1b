#include "courier/pace.h"

enum {
	MEMORY = 16,                 /* transactions that the mean remembers */
	PART = 16,                   /* of a transaction's time that a rest may be */
	SHORTEST = 200,              /* us: below that a rest costs more than it saves */
	LONGEST = 1000               /* us */
};

/* What took longer than the longest rest is a part of says no more: one peer that hangs is soon forgotten. */
void pace_took(struct pace *p, int64_t micros)
{
	if (micros > LONGEST * PART)
		micros = LONGEST * PART;
	p->usual += (micros - p->usual) / MEMORY;
}

int64_t pace_rest(const struct pace *p, bool waiting)
{
	int64_t rest = p->usual / PART;

	if (!waiting || rest < SHORTEST)
		return 0;
	return rest < LONGEST ? rest : LONGEST;
}
