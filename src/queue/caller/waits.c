#include "queue/caller/waits.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/message/unwritten.h"
#include "queue/result/batch.h"
#include "queue/result/judge.h"
#include "queue/result/settle.h"

static const char late_dsn[] = "4.4.7", late_text[] = "no result when the caller's time was over; he has it again";

enum wait_state {
	WAITS_FILE,           /* the file has not come yet */
	WAITS_RESULT,         /* it is a message, whose results are told as they come */
	WAITS_OFFER,          /* the caller was asked to take back the rest */
	WAITS_COMMIT,         /* all is decided, and on its way to the disk */
	WAITS_OVER
};

struct wait {
	struct waits *all;
	char *key;            /* "UID/NAME" */
	uint64_t id;          /* of the message, from WAITS_RESULT on */
	enum wait_state state;
	bool enough;          /* the caller's time is over */
	bool left;            /* freed when the commit is through */
	bool took;            /* … as told by wait_take */
	struct active *active;  /* WAITS_COMMIT: the attempt that he took the rest of; NULL: there was none */
	void (*tell)(void *arg, const struct wait_line *);
	void *arg;
};

struct waits {
	struct queue *queue;
	struct map *by_key;
	struct idmap *by_id;
	size_t offers;        /* in WAITS_OFFER */
};

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

static void forget(struct wait *w)
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

static void enter(struct wait *w, enum wait_state state)
{
	w->all->offers -= w->state == WAITS_OFFER;
	w->all->offers += state == WAITS_OFFER;
	w->state = state;
}

static void say(const struct wait *w, const struct wait_line *line)
{
	if (!w->left)
		w->tell(w->arg, line);
}

static void say_word(const struct wait *w, enum wait_word word, const char *text)
{
	say(w, &(struct wait_line){ .word = word, .text = text_of(text) });
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
	enter(w, WAITS_OVER);
	if (asked && m && m->active)
		settle_check(w->all->queue, m->active);
}

static void end(struct wait *w, enum wait_word word, const char *text)
{
	let_go(w);
	say_word(w, word, text);
}

static struct wait *of_message(const struct waits *all, uint64_t id)
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
		end(w, WAIT_REFUSED, reason);
}

void waits_lost(struct waits *all, uint64_t id)
{
	struct wait *w = of_message(all, id);

	if (w && w->state < WAITS_COMMIT)
		end(w, WAIT_QUEUED, "the message is not in the queue any more; the log says why");
}

static void offer(struct wait *w)
{
	enter(w, WAITS_OFFER);
	say_word(w, WAIT_OFFER, "");
}

/* The message waits on the disk, where nothing has to be judged. */
static void offer_unread(struct wait *w)
{
	const struct message *m = messages_find(w->all->queue->messages, w->id);

	if (m && !m->active)
		offer(w);
}

void waits_arrived(struct waits *all, const struct message *m, const char *name, uid_t uid)
{
	struct wait *w = of_file(all, name, uid);

	if (!w || w->state == WAITS_OVER)
		return;
	if (w->state != WAITS_FILE) {
		end(w, WAIT_QUEUED, "the file holds several messages; none is waited for");
		return;
	}
	w->id = m->id;
	idmap_put(all->by_id, m->id, w);
	enter(w, WAITS_RESULT);
	if (w->enough)
		offer_unread(w);
}

/* --- the attempt --- */

bool waits_for(const struct waits *all, const struct active *a)
{
	const struct wait *w = of_message(all, a->message->id);

	return w && w->state < WAITS_COMMIT;
}

void waits_hurry(struct waits *all, struct active *a)
{
	struct wait *w = of_message(all, a->message->id);

	if (!w || !w->enough || w->state != WAITS_RESULT)
		return;
	judge_waiting(all->queue, a, late_dsn, late_text);
	if (a->flights && a->unwritten)
		unwritten_write(all->queue->unwritten, a);
	else if (a->flights)
		offer(w);
}

static bool is_refused(const struct active *a, uint32_t rcpt)
{
	return a->rcpts[rcpt].note && a->rcpts[rcpt].note->outcome != OUTCOME_SENT;
}

/* He has been told everything, once what is on its way to the disk is there. */
static void commit(struct wait *w)
{
	enter(w, WAITS_COMMIT);
	batch_add_wait(w->all->queue->batches, w);
}

bool waits_offer(struct waits *all, struct active *a)
{
	struct wait *w = of_message(all, a->message->id);

	if (!w || w->state >= WAITS_COMMIT)
		return false;
	for (uint32_t i = 0; w->state == WAITS_RESULT && i < a->envelope->count; i++)
		if (is_refused(a, i))
			offer(w);
	if (w->state == WAITS_RESULT) {
		judge_record_all(all->queue, a);
		commit(w);
	}
	return w->state == WAITS_OFFER;
}

/* --- taking back --- */

/* As final as a delivery: a result of its own kind, because nobody knows what the courier will say. */
static void record_back(struct queue *q, struct active *a, uint32_t rcpt)
{
	const struct note *n = a->rcpts[rcpt].note;
	const struct spool_result result = {
		.rcpt = rcpt, .status = 'h', .dsn = n ? n->dsn : late_dsn, .peer = n ? n->relay : "",
		.text = n ? n->text : late_text, .when = queue_wall(q, queue_now(q)),
	};

	spool_result(q->spool, a->message->id, &result);
	message_set_final(a->message, rcpt, a->envelope->count);
}

static void take_back_one(struct queue *q, struct active *a, uint32_t rcpt)
{
	struct recipient *r = &a->rcpts[rcpt];

	if (r->state == RCPT_OVER || (r->note && r->note->outcome == OUTCOME_SENT))
		return;
	r->returned = true;
	if (r->note && r->note->outcome == OUTCOME_BOUNCED) {
		judge_record(q, a, rcpt, 'b');
		batch_add_result(q->batches, a, rcpt);
	} else {
		record_back(q, a, rcpt);
	}
}

static void take_back(struct wait *w, struct active *a)
{
	struct queue *q = w->all->queue;

	judge_record_all(q, a);
	for (uint32_t i = 0; i < a->envelope->count; i++)
		take_back_one(q, a, i);
	w->took = true;
	w->active = a;
	commit(w);
	settle_check(q, a);
}

/* No attempt is under way: the message just ends. */
static void take_back_unread(struct wait *w, struct message *m)
{
	struct queue *q = w->all->queue;

	spool_done(q->spool, m->id);
	w->took = true;
	commit(w);
	schedule_remove(q->schedule, m);
	messages_remove(q->messages, m);
}

bool wait_take(struct wait *w)
{
	struct message *m = messages_find(w->all->queue->messages, w->id);

	if (w->state != WAITS_OFFER)
		return w->state == WAITS_OVER;
	if (!m) {
		waits_lost(w->all, w->id);
	} else if (!m->active) {
		take_back_unread(w, m);
	} else if (active_phase(m->active) == ATTEMPT_WRITING || active_phase(m->active) == ATTEMPT_ROUTING) {
		/* the offer is made again when something can be recorded */
		w->enough = true;
		enter(w, WAITS_RESULT);
	} else {
		judge_waiting(w->all->queue, m->active, late_dsn, late_text);
		take_back(w, m->active);
	}
	return true;
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
		offer(w);
}

void wait_leave(struct wait *w)
{
	w->left = true;
	if (w->state == WAITS_COMMIT)
		return;
	let_go(w);
	forget(w);
}

/* --- after the commit --- */

static void say_result(const struct wait *w, uint32_t rcpt, const struct note *n)
{
	say(w, &(struct wait_line){ .word = WAIT_RESULT, .rcpt = rcpt, .status = text_of(note_status(n)),
		.dsn = text_of(n->dsn), .text = text_of(n->text) });
}

void waits_result(struct waits *all, const struct active *a, uint32_t rcpt)
{
	const struct wait *w = of_message(all, a->message->id);

	if (w && a->rcpts[rcpt].note->outcome != OUTCOME_DEFERRED)
		say_result(w, rcpt, a->rcpts[rcpt].note);
}

/* Those who were still under way have no note, or one that came too late. */
static void tell_taken(const struct wait *w)
{
	const struct active *a = w->active;
	char id[QUEUE_ID_SIZE];

	for (uint32_t i = 0; a && i < a->envelope->count; i++) {
		const struct recipient *r = &a->rcpts[i];

		if (r->returned && r->note && r->note->outcome == OUTCOME_DEFERRED)
			say_result(w, i, r->note);
		if (r->returned && !(r->note && r->note->outcome == OUTCOME_BOUNCED))
			event_end(w->all->queue, a, i, "returned");
	}
	log_line(LOG_LEVEL_INFO, "qmgr", queue_id_print(w->id, id), "handed back to its caller%s", w->left ?
		", who has gone" : "");
	say(w, &(struct wait_line){ .word = WAIT_REST, .dsn = text_of(late_dsn), .text = text_of(late_text) });
}

void waits_committed(struct wait *w)
{
	if (w->took)
		tell_taken(w);
	end(w, WAIT_OVER, "");
	if (w->left)
		forget(w);
}
