#include "queue/caller/waits_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/core.h"
#include "queue/result/settle.h"

struct waits *waits_new(struct queue *q)
{
	struct waits *all = mem_alloc(sizeof *all);

	all->queue = q;
	all->by_key = map_new();
	all->by_id = idmap_new();
	return all;
}

static void wait_free(struct wait *w)
{
	free(w->key);
	free(w);
}

void wait_forget(struct wait *w)
{
	map_take(w->all->by_key, w->key, strlen(w->key));
	wait_free(w);
}

/* Those who have not left are freed by whoever speaks with them. */
void waits_free(struct waits *all)
{
	struct wait *w;
	size_t cursor = 0;

	if (!all)
		return;
	while ((w = map_next(all->by_key, &cursor)))
		if (w->left)
			wait_free(w);
	map_free(all->by_key);
	idmap_free(all->by_id);
	free(all);
}

bool waits_are_open(const struct waits *all)
{
	return all->offers > 0;
}

void wait_enter(struct wait *w, enum wait_state state)
{
	w->all->offers -= w->state == WAITS_OFFER;
	w->all->offers += state == WAITS_OFFER;
	w->state = state;
}

void wait_say(const struct wait *w, const struct wait_line *line)
{
	if (!w->left)
		w->tell(w->arg, line);
}

static void say_word(const struct wait *w, enum wait_word word, const char *text)
{
	wait_say(w, &(struct wait_line){ .word = word, .text = text_of(text) });
}

/* The message, if there is one, has nobody any more who waits. */
static void detach(struct wait *w)
{
	if (w->id && idmap_get(w->all->by_id, w->id) == w)
		idmap_take(w->all->by_id, w->id);
}

/* An attempt that waited for his answer goes on without him. */
static void let_go(struct wait *w)
{
	const struct message *m = w->id ? messages_find(w->all->queue->messages, w->id) : NULL;
	bool asked = w->state == WAITS_OFFER;

	detach(w);
	wait_enter(w, WAITS_OVER);
	if (asked && m && m->active)
		settle_check(w->all->queue, m->active);
}

void wait_end(struct wait *w, enum wait_word word, const char *text)
{
	let_go(w);
	say_word(w, word, text);
}

struct wait *wait_of_message(const struct waits *all, uint64_t id)
{
	return idmap_count(all->by_id) ? idmap_get(all->by_id, id) : NULL;
}

/* --- the file --- */

static char *key_of(uid_t uid, const char *name)
{
	return mem_fmt("%lu/%s", (unsigned long)uid, name);
}

static struct wait *of_file(const struct waits *all, const char *name, uid_t uid)
{
	struct wait *w;
	char *key;

	if (!map_count(all->by_key))
		return NULL;
	key = key_of(uid, name);
	w = map_get(all->by_key, key, strlen(key));
	free(key);
	return w;
}

struct wait *wait_begin(struct queue *q, const char *name, uid_t uid,
	void (*tell)(void *arg, const struct wait_line *), void *arg)
{
	struct wait *w;

	if (of_file(q->waits, name, uid))
		return NULL;
	w = mem_alloc(sizeof *w);
	w->all = q->waits;
	w->key = key_of(uid, name);
	w->tell = tell;
	w->arg = arg;
	map_put(q->waits->by_key, w->key, strlen(w->key), w);
	return w;
}

void waits_refused(struct waits *all, const char *name, uid_t uid, const char *reason)
{
	struct wait *w = of_file(all, name, uid);

	if (w && w->state == WAITS_FILE)
		wait_end(w, WAIT_REFUSED, reason);
}

void waits_lost(struct waits *all, uint64_t id)
{
	struct wait *w = wait_of_message(all, id);

	if (w && w->state < WAITS_COMMIT)
		wait_end(w, WAIT_QUEUED, "the message is not in the queue any more; the log says why");
}

void wait_offer(struct wait *w)
{
	wait_enter(w, WAITS_OFFER);
	say_word(w, WAIT_OFFER, "");
}

/* The message waits on the disk, where nothing has to be judged. */
static void offer_unread(struct wait *w)
{
	const struct message *m = messages_find(w->all->queue->messages, w->id);

	if (m && !m->active)
		wait_offer(w);
}

void waits_arrived(struct waits *all, const struct message *m, const char *name, uid_t uid)
{
	struct wait *w = of_file(all, name, uid);

	if (!w || w->state == WAITS_OVER)
		return;
	if (w->state != WAITS_FILE) {
		wait_end(w, WAIT_QUEUED, "the file holds several messages; none is waited for");
		return;
	}
	w->id = m->id;
	idmap_put(all->by_id, m->id, w);
	wait_enter(w, WAITS_RESULT);
	if (w->enough)
		offer_unread(w);
}

void wait_enough(struct wait *w)
{
	const struct message *m = messages_find(w->all->queue->messages, w->id);

	w->enough = true;
	if (w->state != WAITS_RESULT)
		return;
	if (!m)
		waits_lost(w->all, w->id);
	else if (m->active)
		settle_check(w->all->queue, m->active);
	else
		wait_offer(w);
}

void wait_leave(struct wait *w)
{
	w->left = true;
	if (w->state == WAITS_COMMIT)
		return;
	let_go(w);
	wait_forget(w);
}
