#include "spool/queuefile/budget.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"

enum {
	BYTES_MAX = 8 * 1024 * 1024,
	BYTES_CROWDED = 6 * 1024 * 1024,
	BYTES_EACH = 4096,               /* what a message takes besides its content */
	FILES_SHARE = 8,                 /* each holds a descriptor; all, no more than this part of them */
	MOVES_MS = 50                    /* since the last one went, while mail is said to go out */
};

struct budget {
	struct loop *loop;
	void (*less)(void *arg);
	void *arg;
	size_t bytes, count, count_max;
	bool allowed;
	int64_t went;                    /* the last one; ms of loop_now */
};

static size_t share_of_files(void)
{
	struct rlimit files;

	return getrlimit(RLIMIT_NOFILE, &files) == 0 ? (size_t)files.rlim_cur / FILES_SHARE : 0;
}

struct budget *budget_new(struct loop *loop, void (*less)(void *arg), void *arg)
{
	struct budget *b = mem_alloc(sizeof *b);

	b->loop = loop;
	b->less = less;
	b->arg = arg;
	b->count_max = share_of_files();
	b->allowed = true;
	b->went = loop_now(loop) - MOVES_MS;
	return b;
}

void budget_free(struct budget *b)
{
	free(b);
}

void budget_allow(struct budget *b, bool allowed)
{
	b->allowed = allowed;
}

size_t budget_room(const struct budget *b)
{
	return b->allowed && b->count < b->count_max && b->bytes < BYTES_MAX ? BYTES_MAX - b->bytes : 0;
}

bool budget_is_crowded(const struct budget *b)
{
	return b->bytes > BYTES_CROWDED && loop_now(b->loop) - b->went < MOVES_MS;
}

void budget_add(struct budget *b, uint64_t size)
{
	b->bytes += size + BYTES_EACH;
	b->count++;
}

void budget_gone(struct budget *b, struct ledger_message *m)
{
	assert(m->unwritten && b->count);
	m->unwritten = false;
	b->bytes -= m->size + BYTES_EACH;
	b->count--;
	b->went = loop_now(b->loop);
	b->less(b->arg);
}
