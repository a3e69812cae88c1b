#include "spool/disk/hook.h"

#ifdef CAUSEWAY_TEST_HOOKS

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static const struct { const char *call; int error; } faults[] = {
	{ "fsync", EIO }, { "write", ENOSPC }, { "reserve", ENOSPC }, { "append", EIO },
};

enum { CALLS = sizeof faults / sizeof faults[0] };

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

/* How often this was asked, from 1 on. */
static unsigned long count_up(unsigned long *counter)
{
	unsigned long n;

	pthread_mutex_lock(&counting);
	n = ++*counter;
	pthread_mutex_unlock(&counting);
	return n;
}

void spool_step(const char *name)
{
	static unsigned long passages;
	struct text wanted = text_of(getenv("CAUSEWAY_TEST_CRASH")), step;
	uint64_t passage = 1;

	if (text_until(&wanted, ':', &step))
		text_number(&wanted, UINT64_MAX, &passage);
	else
		step = wanted;
	if (text_is(step, name) && count_up(&passages) == passage)
		kill(getpid(), SIGKILL);
}

/* The calls N-M that must fail. */
static bool within(struct text range, unsigned long n)
{
	uint64_t from, to;

	if (!text_number(&range, UINT64_MAX, &from))
		return false;
	to = from;
	if (range.n && *range.p == '-') {
		range = text_make(range.p + 1, range.n - 1);
		if (!text_number(&range, UINT64_MAX, &to))
			to = UINT64_MAX;
	}
	return n >= from && n <= to;
}

static size_t number_of(const char *call)
{
	for (size_t i = 0; i < CALLS; i++)
		if (strcmp(call, faults[i].call) == 0)
			return i;
	abort();
}

int spool_fault(const char *call)
{
	static unsigned long calls[CALLS];
	size_t which = number_of(call);
	struct text wanted = text_of(getenv("CAUSEWAY_TEST_FAIL")), item, name;
	unsigned long n;

	if (wanted.n == 0)
		return 0;
	n = count_up(&calls[which]);
	while (text_list_next(&wanted, &item))
		if (text_until(&item, ':', &name) && text_is(name, call) && within(item, n))
			return faults[which].error;
	return 0;
}

#endif
