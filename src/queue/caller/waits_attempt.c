#include "queue/caller/waits_private.h"

#include "base/log.h"
#include "queue/core.h"
#include "queue/message/unwritten.h"
#include "queue/result/batch.h"
#include "queue/result/judge.h"
#include "queue/result/settle.h"

static const char late_dsn[] = "4.4.7";
static const char late_text[] = "no result when the caller's time was over; he has it again";

bool waits_for(const struct waits *all, const struct active *a)
{
	const struct wait *w = wait_of_message(all, a->message->id);

	return w && w->state < WAITS_COMMIT;
}

void waits_hurry(struct waits *all, struct active *a)
{
	struct wait *w = wait_of_message(all, a->message->id);

	if (!w || !w->enough || w->state != WAITS_RESULT)
		return;
	judge_waiting(all->queue, a, late_dsn, late_text);
	if (a->flights && a->unwritten)
		unwritten_write(all->queue->unwritten, a);
	else if (a->flights)
		wait_offer(w);
}

static bool is_refused(const struct active *a, uint32_t rcpt)
{
	return a->rcpts[rcpt].note && a->rcpts[rcpt].note->outcome != OUTCOME_SENT;
}

/* He has been told everything, once what is on its way to the disk is there. */
static void commit(struct wait *w)
{
	wait_enter(w, WAITS_COMMIT);
	batch_add_wait(w->all->queue->batches, w);
}

bool waits_offer(struct waits *all, struct active *a)
{
	struct wait *w = wait_of_message(all, a->message->id);

	if (!w || w->state >= WAITS_COMMIT)
		return false;
	for (uint32_t i = 0; w->state == WAITS_RESULT && i < a->envelope->count; i++)
		if (is_refused(a, i))
			wait_offer(w);
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
		wait_enter(w, WAITS_RESULT);
	} else {
		judge_waiting(w->all->queue, m->active, late_dsn, late_text);
		take_back(w, m->active);
	}
	return true;
}

/* --- after the commit --- */

static void say_result(const struct wait *w, uint32_t rcpt, const struct note *n)
{
	wait_say(w, &(struct wait_line){ .word = WAIT_RESULT, .rcpt = rcpt, .status = text_of(note_status(n)),
		.dsn = text_of(n->dsn), .text = text_of(n->text) });
}

void waits_result(struct waits *all, const struct active *a, uint32_t rcpt)
{
	const struct wait *w = wait_of_message(all, a->message->id);

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
	wait_say(w, &(struct wait_line){ .word = WAIT_REST, .dsn = text_of(late_dsn),
		.text = text_of(late_text) });
}

void waits_committed(struct wait *w)
{
	if (w->took)
		tell_taken(w);
	wait_end(w, WAIT_OVER, "");
	if (w->left)
		wait_forget(w);
}
