#include "queue/message/intake.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/caller/waits.h"
#include "queue/core.h"
#include "queue/destination/suspend.h"
#include "queue/message/active.h"
#include "queue/message/unwritten.h"
#include "queue/operator/orders.h"
#include "queue/report/notices.h"
#include "queue/result/delivery_log.h"
#include "queue/result/judge.h"
#include "queue/route/router.h"

enum { LOADS_MAX = 256, TEXT_ROOM = 200 };

static size_t active_count(const struct queue *q)
{
	return messages_in(q->messages, MESSAGE_ACTIVE) + q->loading;
}

/* RFC 5321 section 6.3. */
static void bounce_loop(struct queue *q, struct active *a)
{
	char text[TEXT_ROOM];

	snprintf(text, sizeof text, "mail is looping: %u Received fields, hopcount_limit is %lld", a->hops,
		(long long)q->settings->hopcount_limit);
	for (uint32_t i = 0; i < a->envelope->count; i++)
		if (a->rcpts[i].state == RCPT_ROUTING && q->settings->soft_bounce)
			judge_here(q, a, i, NULL, OUTCOME_DEFERRED, "4.4.6", text);
		else if (a->rcpts[i].state == RCPT_ROUTING)
			judge_here(q, a, i, NULL, OUTCOME_BOUNCED, "5.4.6", text);
}

/* Begins an attempt; takes the loaded message. */
static void activate(struct queue *q, struct message *m, struct spool_message *loaded)
{
	struct active *a = active_new(q, m, loaded);

	spool_message_free(loaded);
	schedule_remove(q->schedule, m);
	messages_set_state(q->messages, m, MESSAGE_ACTIVE);
	if (a->unwritten)
		unwritten_add(q->unwritten, a);
	delivery_log_active(q, a);
	if (a->hops > q->settings->hopcount_limit)
		bounce_loop(q, a);
	router_ask(q->router, a);
}

static void wait_for_room(struct queue *q, struct message *m, int64_t due)
{
	schedule_set(q->schedule, m, due);
	queue_wake(q);
}

/* --- spool events --- */

static void arrived(void *arg, struct spool_message *loaded)
{
	struct queue *q = arg;
	struct message *m = messages_add(q->messages, loaded->id);

	if (!m) {
		spool_message_free(loaded);
		return;
	}
	m->arrived = queue_boot(q, loaded->arrived);
	m->reports = loaded->reports & MESSAGE_REPORTS_MAX;
	delivery_log_arrival(q, loaded);
	event_accepted(q, loaded);
	if (loaded->drop_name)
		waits_arrived(q->waits, m, loaded->drop_name, loaded->uid);
	/* what is not written cannot be loaded again, but by the next start */
	if (loaded->fd >= 0 && (active_count(q) < q->active_limit || loaded->unwritten) && !q->stopping) {
		activate(q, m, loaded);
		return;
	}
	spool_message_free(loaded);
	wait_for_room(q, m, queue_now(q));
}

/* What is overdue is so in the order in which it is told. A time far ahead comes from a clock that was wrong:
 * nothing waits longer than the longest backoff. */
static int64_t known_due(const struct queue *q, const struct spool_known *k)
{
	int64_t now = queue_now(q), due = k->next ? queue_boot(q, k->next) : now;
	int64_t latest = now + q->settings->maximal_backoff_time;

	if (due < now)
		return now;
	return due < latest ? due : latest;
}

static unsigned at_most(unsigned value, unsigned most)
{
	return value < most ? value : most;
}

static void known(void *arg, const struct spool_known *k)
{
	struct queue *q = arg;
	struct message *m = messages_add(q->messages, k->id);
	size_t count = k->count > k->final_bits ? k->count : k->final_bits;

	if (!m)
		return;
	m->arrived = queue_boot(q, k->arrived);
	m->attempts = at_most(k->attempts, MESSAGE_ATTEMPTS_MAX) & MESSAGE_ATTEMPTS_MAX;
	m->suspect = at_most(k->suspect, MESSAGE_SUSPECT_MAX) & MESSAGE_SUSPECT_MAX;
	m->reports = k->reports & MESSAGE_REPORTS_MAX;
	for (size_t i = 0; i < k->final_bits; i++)
		if (k->final[i / 8] >> i % 8 & 1)
			message_set_final(m, i, count);
	m->warned = k->warned;
	messages_set_reason(q->messages, m, k->reason);
	if (k->held)
		messages_set_state(q->messages, m, MESSAGE_HELD);
	else if (k->attempts)
		messages_set_state(q->messages, m, MESSAGE_DEFERRED);
	if (!k->held)
		wait_for_room(q, m, known_due(q, k));
}

static void ready(void *arg)
{
	struct queue *q = arg;

	q->ready = true;
	if (messages_total(q->messages))
		log_line(LOG_LEVEL_INFO, "qmgr", NULL, "messages that were in the queue at start: %zu",
			messages_total(q->messages));
}

static void tell_corrupt(struct queue *q, uint64_t id, const char *reason)
{
	char name[QUEUE_ID_SIZE];
	char *text = mem_fmt("The queue file of message %s cannot be used: %s.\nIt is in the directory corrupt/ "
		"of the spool. It was not delivered, and its sender was not told: look at it, and at the disk.\n",
		queue_id_print(id, name), reason);

	notices_raise(q->notices, &(struct notice){ .class = NOTICE_SOFTWARE, .key = "corrupt",
		.subject = "a queue file is corrupt", .text = text });
	free(text);
}

/* The spool has said so in the log. If the message's load is under way, that comes back empty and finds no
 * message any more. */
static void corrupt(void *arg, uint64_t id, const char *reason)
{
	struct queue *q = arg;
	struct message *m = messages_find(q->messages, id);

	tell_corrupt(q, id, reason);
	if (!m || m->state == MESSAGE_ACTIVE)
		return;
	schedule_remove(q->schedule, m);
	waits_lost(q->waits, id);
	messages_remove(q->messages, m);
}

/* The spool has said so in the log; a caller who waits shall know it too. */
static void refused(void *arg, uint64_t id, const char *name, uid_t uid, const char *reason)
{
	struct queue *q = arg;

	(void)id;
	event_refused(q, name, uid, reason);
	waits_refused(q->waits, name, uid, reason);
}

const struct spool_events intake_events = {
	.arrived = arrived, .suspended = suspend_known, .known = known, .ready = ready, .corrupt = corrupt,
	.refused = refused,
};

/* --- loading again --- */

static void put_back(struct queue *q, struct message *m)
{
	messages_set_state(q->messages, m, m->attempts ? MESSAGE_DEFERRED : MESSAGE_INCOMING);
	if (m->order == ORDER_NONE)
		wait_for_room(q, m, m->due);
	else
		order_complete(q, m);
}

static void loaded(void *arg, uint64_t id, struct spool_message *found)
{
	struct queue *q = arg;
	struct message *m = messages_find(q->messages, id);
	char printed[QUEUE_ID_SIZE];

	q->loading--;
	if (m && found && found->fd >= 0 && !q->stopping && m->order == ORDER_NONE) {
		activate(q, m, found);
		return;
	}
	if (m && (found || q->stopping)) {
		put_back(q, m);
	} else if (m) {
		log_line(LOG_LEVEL_ERROR, "qmgr", queue_id_print(id, printed),
			"the queue file has gone: somebody else removed it");
		waits_lost(q->waits, id);
		messages_remove(q->messages, m);
	}
	if (found)
		spool_message_free(found);
	queue_wake(q);
}

static void load(struct queue *q, struct message *m)
{
	schedule_remove(q->schedule, m);
	messages_set_state(q->messages, m, MESSAGE_LOADING);
	q->loading++;
	spool_load(q->spool, m->id, loaded, q);
}

/* Held back and let go with a gap between, so that it does not flutter. */
static void pause_intake(struct queue *q)
{
	size_t behind = messages_in(q->messages, MESSAGE_INCOMING);
	bool shall = q->intake_paused ? behind > q->active_limit / 2 : behind > q->active_limit;

	if (shall == q->intake_paused)
		return;
	q->intake_paused = shall;
	spool_intake_fair(q->spool, shall);
}

/* What arrives unwritten must be made active: see arrived. */
static void bound_unwritten(struct queue *q)
{
	spool_intake_unwritten(q->spool, active_count(q) < q->active_limit);
}

void intake_load_due(struct queue *q)
{
	struct message *m;

	destinations_refill(q->destinations);
	while (q->loading < LOADS_MAX && active_count(q) < q->active_limit &&
		(m = schedule_first(q->schedule)) && m->due <= queue_now(q))
		load(q, m);
	bound_unwritten(q);
	pause_intake(q);
}
