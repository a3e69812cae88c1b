#include "queue/message/unwritten.h"

#include <stdlib.h>

#include "base/mem.h"
#include "queue/core.h"
#include "queue/result/judge.h"
#include "queue/result/settle.h"

enum { AGE_MAX = 1000, LOOK = 250 };   /* ms in memory, and between looks at their ages */

struct unwritten {
	struct queue *queue;
	struct list all, judged;       /* judged: in this turn, with others open */
	struct loop_timer *timer;
	size_t writing;
};

void unwritten_add(struct unwritten *u, struct active *a)
{
	list_append(&u->all, &a->of_unwritten);
	if (!loop_timer_is_set(u->timer))
		loop_timer_set(u->timer, LOOK);
}

void unwritten_judged(struct unwritten *u, struct active *a)
{
	if (a->open == 0 || a->writing)
		return;
	list_remove(&a->of_unwritten);
	list_append(&u->judged, &a->of_unwritten);
	queue_wake(u->queue);
}

/* From here on it is read from its queue file, and takes no memory. */
static void read_from(struct active *a, int file)
{
	if (file < 0)
		return;
	active_close(a);
	a->fd = file;
}

static void written(void *arg, int file)
{
	struct active *a = arg;
	struct queue *q = a->queue;

	read_from(a, file);
	q->unwritten->writing--;
	a->unwritten = a->writing = false;
	judge_record_all(q, a);
	settle_check(q, a);
	queue_wake(q);
}

void unwritten_write(struct unwritten *u, struct active *a)
{
	if (a->writing)
		return;
	a->writing = true;
	u->writing++;
	list_remove(&a->of_unwritten);
	spool_write(u->queue->spool, a->message->id, a->fd, written, a);
}

void unwritten_turn(struct unwritten *u)
{
	LIST_EACH(at, &u->judged) {
		struct active *a = LIST_OF(at, struct active, of_unwritten);

		if (a->open) {
			unwritten_write(u, a);
			continue;
		}
		list_remove(at);
		unwritten_add(u, a);
	}
}

static void look(void *arg)
{
	struct unwritten *u = arg;
	int64_t now = queue_now(u->queue);

	LIST_EACH(at, &u->all) {
		struct active *a = LIST_OF(at, struct active, of_unwritten);

		if (now - a->began >= AGE_MAX && !a->settled)
			unwritten_write(u, a);
	}
	if (!list_empty(&u->all))
		loop_timer_set(u->timer, LOOK);
}

bool unwritten_idle(const struct unwritten *u)
{
	return u->writing == 0;
}

struct unwritten *unwritten_new(struct queue *q)
{
	struct unwritten *u = mem_alloc(sizeof *u);

	u->queue = q;
	list_init(&u->all);
	list_init(&u->judged);
	u->timer = loop_timer_new(q->loop, look, u);
	return u;
}

void unwritten_free(struct unwritten *u)
{
	if (!u)
		return;
	loop_timer_free(u->timer);
	free(u);
}
