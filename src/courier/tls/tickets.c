#include "courier/tls/tickets.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SESSION_MAX (16 * 1024)   /* bytes of a session that is kept */

struct tickets {
	struct loop *loop;
	struct link *link;
	struct list waiting;         /* struct ticket */
};

struct tickets *tickets_new(struct loop *loop, struct link *link)
{
	struct tickets *t = mem_alloc(sizeof *t);

	t->loop = loop;
	t->link = link;
	list_init(&t->waiting);
	return t;
}

void tickets_free(struct tickets *t)
{
	free(t);
}

static void answered(struct ticket *t)
{
	list_remove(&t->in);
	list_init(&t->in);
	t->due = 0;
	if (!t->timer)
		return;
	loop_timer_stop(t->timer);
	t->ready(t->arg);
}

/* An empty value is the answer "none". */
void tickets_came(struct tickets *all, const char *key, const void *value, size_t n)
{
	LIST_EACH(at, &all->waiting) {
		struct ticket *t = LIST_OF(at, struct ticket, in);

		if (strcmp(t->key, key) != 0)
			continue;
		t->bytes = n > 0 ? mem_strn(value, n) : NULL;
		t->n = n;
		answered(t);
	}
}

void ticket_ask(struct ticket *t, struct tickets *home, char *key, void (*ready)(void *arg), void *arg)
{
	*t = (struct ticket){ .home = home, .key = key, .ready = ready, .arg = arg };
	t->due = loop_now(home->loop) + TICKET_PATIENCE;
	list_append(&home->waiting, &t->in);
	link_send_have(home->link, key);
}

static void too_late(void *arg)
{
	answered(arg);
}

bool ticket_waits(struct ticket *t)
{
	int64_t left = t->home ? t->due - loop_now(t->home->loop) : 0;

	if (left <= 0)
		return false;
	if (!t->timer)
		t->timer = loop_timer_new(t->home->loop, too_late, t);
	loop_timer_set(t->timer, left);
	return true;
}

void ticket_keep(const struct ticket *t, const void *bytes, size_t n, int64_t lifetime)
{
	if (n <= SESSION_MAX)
		link_send_keep_until(t->home->link, t->key, loop_wall(t->home->loop) + lifetime, bytes, n);
}

void ticket_clear(struct ticket *t)
{
	if (!t->home)
		return;
	list_remove(&t->in);
	loop_timer_free(t->timer);
	free(t->key);
	free(t->bytes);
	*t = (struct ticket){ .home = NULL };
}
