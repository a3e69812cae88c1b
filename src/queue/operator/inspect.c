/* The operator's questions of queue/queue.h. */
#include <stdlib.h>

#include "base/mem.h"
#include "queue/core.h"
#include "queue/couriers/couriers.h"
#include "queue/operator/message_json.h"
#include "queue/operator/metrics.h"
#include "queue/operator/walk.h"
#include "queue/queue.h"
#include "queue/result/batch.h"

enum {
	STUCK_AFTER = 90 * 1000,      /* ms without progress that are too much */
	/* the same for results: the longest time limit of a dialogue is 10 minutes */
	SILENT_AFTER = 15 * 60 * 1000
};

/* --- list --- */

struct list_question {
	struct queue *queue;
	void (*each)(void *arg, json_t *message);
	bool (*full)(void *arg);
	void (*end)(void *arg);
	void *arg;
};

static void list_one(void *arg, const struct walk_stop *s)
{
	struct list_question *l = arg;
	json_t *o = message_json(l->queue, s);

	l->each(l->arg, o);
	json_decref(o);
}

static bool list_full(void *arg)
{
	const struct list_question *l = arg;

	return l->full(l->arg);
}

static void list_end(void *arg, size_t count)
{
	struct list_question *l = arg;

	(void)count;
	l->end(l->arg);
	free(l);
}

void queue_list(struct queue *q, const struct queue_filter *filter, void (*each)(void *arg, json_t *message),
	bool (*full)(void *arg), void (*end)(void *arg), void *arg)
{
	struct list_question *l = mem_alloc(sizeof *l);

	*l = (struct list_question){ q, each, full, end, arg };
	walk_begin(q, &(struct walk_order){
		.filter = filter, .envelopes = true, .at = list_one, .full = list_full, .end = list_end, .arg = l });
}

/* --- show --- */

struct show_question {
	struct queue *queue;
	uint64_t id;
	bool content;
	json_t *message;
	void (*done)(void *arg, json_t *message);
	void *arg;
};

static json_t *history_json(const char *lines)
{
	struct text rest = text_of(lines), line;
	json_t *history = json_array();

	while (text_until(&rest, '\n', &line)) {
		char *copy = mem_strn(line.p, line.n);

		json_array_append_new(history, json_clean(copy));
		free(copy);
	}
	return history;
}

static void show_one(void *arg, const struct walk_stop *s)
{
	struct show_question *w = arg;

	w->message = message_json(w->queue, s);
	if (w->content)
		json_object_set_new(w->message, "content", message_json_content(s));
}

static void show_history(void *arg, const char *lines)
{
	struct show_question *w = arg;

	if (w->message)
		json_object_set_new(w->message, "history", history_json(lines));
	w->done(w->arg, w->message);
	json_decref(w->message);
	free(w);
}

static void show_end(void *arg, size_t count)
{
	struct show_question *w = arg;

	(void)count;
	if (w->message)
		spool_history(w->queue->spool, w->id, show_history, w);
	else
		show_history(w, "");
}

void queue_show(struct queue *q, uint64_t id, bool content, void (*done)(void *arg, json_t *message),
	void *arg)
{
	struct show_question *w = mem_alloc(sizeof *w);

	*w = (struct show_question){ q, id, content, NULL, done, arg };
	walk_begin(q, &(struct walk_order){
		.id = id, .envelopes = true, .at = show_one, .end = show_end, .arg = w });
}

/* --- at once --- */

json_t *queue_destinations(struct queue *q)
{
	json_t *list = json_array();
	const struct destination *d;
	size_t cursor = 0;

	while ((d = destinations_each(q->destinations, &cursor)))
		json_array_append_new(list, destination_json(d));
	return list;
}

static json_t *depth(const struct messages *all)
{
	json_t *o = json_pack("{s:I}", "total", (json_int_t)messages_total(all));
	const char *state;

	for (size_t i = 0; (state = messages_shown(i)); i++)
		json_object_set_new(o, state, json_integer((json_int_t)messages_in_shown(all, state)));
	return o;
}

static json_t *spool_json(const struct queue *q)
{
	struct spool_state s;

	spool_state(q->spool, &s);
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I}", "intake_stopped", (int)s.intake_stopped,
		"free_bytes", (json_int_t)s.free_bytes, "journal_bytes", (json_int_t)s.journal_bytes,
		"batches", (json_int_t)s.batches, "files_taken", (json_int_t)s.files_taken,
		"files_refused", (json_int_t)s.files_refused);
}

static json_t *deliveries(const struct metrics *m)
{
	return json_pack("{s:I, s:I, s:I}", "sent", (json_int_t)metrics_total(m, OUTCOME_SENT),
		"deferred", (json_int_t)metrics_total(m, OUTCOME_DEFERRED),
		"bounced", (json_int_t)metrics_total(m, OUTCOME_BOUNCED));
}

json_t *queue_status(struct queue *q)
{
	json_t *o = json_object();

	json_object_set_new(o, "queue", depth(q->messages));
	json_object_set_new(o, "oldest_seconds", json_real((double)metrics_oldest(q->metrics, q) / 1000));
	json_object_set_new(o, "uptime", json_integer((queue_now(q) - q->started) / 1000));
	json_object_set_new(o, "couriers", couriers_list(q->couriers));
	json_object_set_new(o, "spool", spool_json(q));
	json_object_set_new(o, "deliveries", deliveries(q->metrics));
	return o;
}

bool queue_healthy(struct queue *q, const char **why)
{
	struct spool_state s;

	*why = NULL;
	spool_state(q->spool, &s);
	if (batches_age(q->batches) > STUCK_AFTER)
		*why = "the journal cannot be written: results wait for the disk";
	else if (!couriers_have_credit(q->couriers) && !couriers_flying(q->couriers) &&
		queue_now(q) - q->last_courier > STUCK_AFTER)
		*why = "no courier takes requests";
	else if (couriers_silence(q->couriers) > SILENT_AFTER)
		*why = "requests are out, but no result has come for a quarter of an hour";
	else if (s.intake_stopped)
		*why = "the disk of the spool is nearly full: no mail is taken in, what is queued is still delivered";
	return !*why;
}
