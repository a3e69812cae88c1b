/* What the operator asks about the daemon itself. */
#include <config.h>   /* the one that configure makes */

#include "base/mem.h"
#include "base/nearest.h"
#include "daemon/control/control_private.h"
#include "daemon/control/control_processes.h"
#include "queue/operator/metrics.h"

enum { METRICS_MAX = 4 * 1024 * 1024, MEANT_MAX = 256 };

void control_answer_status(struct question *q)
{
	struct control *c = q->control;
	json_t *status = queue_status(c->queue);
	const char *why = NULL;

	json_object_set_new(status, "healthy", json_boolean(queue_healthy(c->queue, &why)));
	if (why)
		json_object_set_new(status, "reason", json_clean(why));
	json_object_set_new(status, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(status, "processes", control_processes_json(c->processes));
	http_reply_json(q->call, 200, status);
}

void control_answer_destinations(struct question *q)
{
	http_reply_json(q->call, 200, queue_destinations(q->control->queue));
}

static void add_value(void *arg, const char *name, const char *value)
{
	json_object_set_new(arg, name, json_clean(value));
}

static void consider(void *arg, const char *name, const char *value)
{
	(void)value;
	nearest_consider(arg, name);
}

static void answer_unknown(struct question *q)
{
	struct nearest *nearest = nearest_new(q->tail);
	struct buf meant;

	buf_init(&meant, MEANT_MAX);
	settings_each(q->control->settings, NULL, consider, nearest);
	nearest_print(nearest, &meant);
	http_reply_error(q->call, 404, "there is no parameter '%s'%s", q->tail, buf_text(&meant));
	buf_free(&meant);
	nearest_free(nearest);
}

void control_answer_config(struct question *q)
{
	const char *name = *q->tail ? q->tail : NULL;
	json_t *values = mem_check(json_object());

	if (settings_each(q->control->settings, name, add_value, values) > 0) {
		http_reply_json(q->call, 200, values);
		return;
	}
	json_decref(values);
	answer_unknown(q);
}

/* What the queue does not know of itself. */
static void print_daemon(const struct control *c, struct buf *out)
{
	const char *why;

	metrics_head(out, "causeway_build_info", "gauge", "The version as a label; always 1.");
	buf_str(out, "causeway_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
	metrics_value(out, "process_start_time_seconds", "gauge",
		"When the queue process was started, in seconds since 1970.",
		(double)(loop_wall(c->loop) - loop_now(c->loop) + c->started) / 1000);
	metrics_value(out, "causeway_healthy", "gauge",
		"1 while mail flows, 0 while there is trouble that /healthz names.",
		queue_healthy(c->queue, &why));
	metrics_value(out, "causeway_courier_failures_total", "counter",
		"Couriers that were killed or ended with an error, since the start.",
		(double)control_processes_failures(c->processes));
}

void control_answer_metrics(struct question *q)
{
	struct buf out;

	buf_init(&out, METRICS_MAX);
	print_daemon(q->control, &out);
	queue_metrics(q->control->queue, &out);
	http_reply_text(q->call, "text/plain; version=0.0.4; charset=utf-8", buf_text(&out), out.len);
	buf_free(&out);
}

static void add_count(struct buf *page, const json_t *counts, const char *state)
{
	buf_fmt(page, "%-10s %lld\n", state, (long long)json_integer_value(json_object_get(counts, state)));
}

/* For a person with a browser: how it is, and how much mail waits. */
void control_answer_page(struct question *q)
{
	struct control *c = q->control;
	json_t *status = queue_status(c->queue), *counts = json_object_get(status, "queue");
	const char *why = NULL;
	bool healthy = queue_healthy(c->queue, &why);
	struct buf page;

	buf_init(&page, METRICS_MAX);
	buf_fmt(&page, "%s: Causeway %s, up %lld s\n", c->settings->myhostname, PACKAGE_VERSION,
		(long long)(loop_now(c->loop) - c->started) / 1000);
	buf_fmt(&page, "%s%s\n\n", healthy ? "" : "trouble: ", healthy ? "mail flows" : why);
	add_count(&page, counts, "incoming");
	add_count(&page, counts, "active");
	add_count(&page, counts, "deferred");
	add_count(&page, counts, "held");
	http_reply_text(q->call, "text/plain; charset=utf-8", page.data, page.len);
	buf_free(&page);
	json_decref(status);
}

void control_answer_health(struct question *q)
{
	const char *why = NULL;
	bool healthy = queue_healthy(q->control->queue, &why);
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "healthy", json_boolean(healthy));
	if (!healthy)
		json_object_set_new(o, "reason", json_clean(why));
	http_reply_json(q->call, healthy ? 200 : 503, o);
}
