#include "courier/session/pool.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

struct shelf {
	uint32_t destination;
	struct list resting;         /* struct rest, the one put last in front */
};

/* One idle session, until its connection is closed. */
struct rest {
	struct list in_shelf, in_all;
	struct pool *pool;
	struct shelf *shelf;
	struct session *session;
};

struct pool {
	struct loop *loop;
	int64_t hurry;               /* ms */
	void (*closed)(void *arg, uint32_t destination, unsigned count);
	void *arg;
	struct idmap *shelves;       /* by destination; those that hold something */
	struct list all;             /* struct rest, the oldest first */
	size_t count;
};

struct pool *pool_new(struct loop *loop, int64_t hurry_ms,
	void (*closed)(void *arg, uint32_t destination, unsigned count), void *arg)
{
	struct pool *p = mem_alloc(sizeof *p);

	p->loop = loop;
	p->hurry = hurry_ms;
	p->closed = closed;
	p->arg = arg;
	p->shelves = idmap_new();
	list_init(&p->all);
	return p;
}

static struct shelf *shelf_of(struct pool *p, uint32_t destination)
{
	struct shelf *f = idmap_get(p->shelves, destination);

	if (f)
		return f;
	f = mem_alloc(sizeof *f);
	f->destination = destination;
	list_init(&f->resting);
	idmap_put(p->shelves, destination, f);
	return f;
}

/* Takes a session out of the pool; the session stays. */
static struct session *withdraw(struct rest *r)
{
	struct session *s = r->session;
	struct pool *p = r->pool;

	list_remove(&r->in_shelf);
	list_remove(&r->in_all);
	p->count--;
	if (list_empty(&r->shelf->resting)) {
		idmap_take(p->shelves, r->shelf->destination);
		free(r->shelf);
	}
	free(r);
	return s;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	while (!list_empty(&p->all))
		session_free(withdraw(LIST_OF(list_first(&p->all), struct rest, in_all)));
	idmap_free(p->shelves);
	free(p);
}

static void discard(struct rest *r)
{
	struct pool *p = r->pool;
	uint32_t destination = r->shelf->destination;

	session_drop(withdraw(r));
	p->closed(p->arg, destination, 1);
}

/* An idle session settles only by its end. */
static void settled(void *arg)
{
	struct rest *r = arg;

	if (session_state(r->session) == SESSION_ENDED)
		discard(r);
}

static const struct session_events events = { .settled = settled };

/* One that cannot be used again makes room at once for the connection that is made in its stead. */
struct session *pool_take(struct pool *p, uint32_t destination, const char *sender, enum tls_wanted wanted)
{
	struct shelf *f = idmap_get(p->shelves, destination);

	if (!f)
		return NULL;
	LIST_EACH(at, &f->resting) {
		struct rest *r = LIST_OF(at, struct rest, in_shelf);

		if (session_reusable(r->session) && session_serves(r->session, sender, wanted))
			return withdraw(r);
	}
	session_leave(LIST_OF(list_first(&f->resting), struct rest, in_shelf)->session);
	return NULL;
}

void pool_put(struct pool *p, uint32_t destination, struct session *s, int64_t idle_ms)
{
	struct rest *r = mem_alloc(sizeof *r);

	r->pool = p;
	r->session = s;
	r->shelf = shelf_of(p, destination);
	list_prepend(&r->shelf->resting, &r->in_shelf);
	list_append(&p->all, &r->in_all);
	p->count++;
	session_give(s, &events, r);
	session_rest(s, idle_ms);
}

void pool_close(struct pool *p, uint32_t destination, unsigned count)
{
	struct shelf *f = idmap_get(p->shelves, destination);
	unsigned closed = 0;

	if (!f)
		return;
	LIST_EACH(at, &f->resting) {
		struct rest *r = LIST_OF(at, struct rest, in_shelf);

		if (session_state(r->session) != SESSION_IDLE || (count > 0 && closed == count))
			continue;
		session_quit_within(r->session, p->hurry);
		closed++;
	}
}

void pool_close_all(struct pool *p)
{
	LIST_EACH(at, &p->all)
		session_quit_within(LIST_OF(at, struct rest, in_all)->session, p->hurry);
}

void pool_trim(struct pool *p, size_t most)
{
	while (p->count > most)
		discard(LIST_OF(list_first(&p->all), struct rest, in_all));
}
