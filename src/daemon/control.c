#include "daemon/control.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include <config.h>   /* the one that configure makes */
#include "daemon/control_http.h"
#include "daemon/control_processes.h"
#include "format/queue_id.h"

enum { METRICS_MAX = 4 * 1024 * 1024 };

/* Somebody who waits for a reload to be over. */
struct waiting {
	struct list node;
	struct http_call *call;
};

struct control {
	struct loop *loop;
	struct queue *queue;
	const struct settings *settings;
	struct http_server *operator, *metrics;
	struct control_processes *processes;
	struct list reloads;
	int64_t started;
	void (*reload)(void *arg);
	void *arg;
};

/* A call with what it asks for taken apart. */
struct question {
	struct control *control;
	struct http_call *call;
	const char *tail;          /* what follows the path of the route */
	struct queue_filter filter;
	bool selects;              /* some selector was given */
};

/* --- selectors --- */

static bool read_state(struct question *q, const char *state)
{
	static const char *const states[] = { "active", "deferred", "held", "incoming" };

	q->filter.state = state;
	for (size_t i = 0; state && i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(state, states[i]) == 0)
			return true;
	return !state;
}

/* An empty text is found in everything, which nobody means to act on; an empty sender is the null sender. */
static bool read_texts(struct question *q)
{
	struct queue_filter *f = &q->filter;

	f->to = http_call_query(q->call, "to");
	f->from = http_call_query(q->call, "from");
	f->reason = http_call_query(q->call, "reason");
	if (f->from && !*f->from)
		f->from = "<>";
	return !(f->to && !*f->to) && !(f->reason && !*f->reason);
}

/* Fills the filter from the query; if that is no good the call is answered and false returned. */
static bool read_selectors(struct question *q)
{
	static const char *const known[] = { "state", "to", "from", "older", "reason", "all", "id",
		"dry_run", NULL };
	const char *unknown = http_call_unknown(q->call, known), *older = http_call_query(q->call, "older");

	if (unknown) {
		http_reply_error(q->call, 400, "there is no parameter '%s' here", unknown);
		return false;
	}
	if (!read_texts(q)) {
		http_reply_error(q->call, 400, "to, reason: need a text to look for");
		return false;
	}
	if (!read_state(q, http_call_query(q->call, "state"))) {
		http_reply_error(q->call, 400, "state: '%s' is not active, deferred, held or incoming",
			q->filter.state);
		return false;
	}
	if (older && !text_duration(text_of(older), &q->filter.older)) {
		http_reply_error(q->call, 400, "older: '%s' is not a time (use ms s m h d w)", older);
		return false;
	}
	q->selects = q->filter.state || q->filter.to || q->filter.from || q->filter.reason || older;
	return true;
}

/* A message's id from its printed form; answers 400 if it is none. */
static bool read_id(struct http_call *call, const char *text, uint64_t *id)
{
	/* to the queue 0 means all messages */
	if (queue_id_parse(text, strlen(text), id) && *id != 0)
		return true;
	http_reply_error(call, 400, "'%s' is not the id of a message", text);
	return false;
}

/* --- answers --- */

static void answer_status(struct question *q)
{
	struct control *c = q->control;
	json_t *status = queue_status(c->queue);

	json_object_set_new(status, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(status, "uptime", json_integer((loop_now(c->loop) - c->started) / 1000));
	json_object_set_new(status, "processes", control_processes_json(c->processes));
	http_reply_json(q->call, 200, status);
}

static void list_each(void *arg, json_t *message)
{
	http_array_add(arg, message);
}

static void list_end(void *arg)
{
	http_array_end(arg);
}

static void answer_list(struct question *q)
{
	if (!read_selectors(q))
		return;
	http_array_begin(q->call);
	queue_list(q->control->queue, &q->filter, list_each, list_end, q->call);
}

static void show_done(void *arg, json_t *message)
{
	if (message)
		http_reply_json(arg, 200, json_incref(message));
	else
		http_reply_error(arg, 404,
			"there is no such message in the queue: it may have been delivered");
}

static void answer_show(struct question *q)
{
	const char *content = http_call_query(q->call, "content");
	uint64_t id;

	if (read_id(q->call, q->tail, &id))
		queue_show(q->control->queue, id, content && strcmp(content, "0") != 0, show_done, q->call);
}

static void answer_destinations(struct question *q)
{
	http_reply_json(q->call, 200, queue_destinations(q->control->queue));
}

static void add_value(void *arg, const char *name, const char *value)
{
	json_object_set_new(arg, name, json_clean(value));
}

static void answer_config(struct question *q)
{
	const char *name = *q->tail ? q->tail : NULL;
	json_t *values = mem_check(json_object());

	if (settings_each(q->control->settings, name, add_value, values) > 0) {
		http_reply_json(q->call, 200, values);
		return;
	}
	json_decref(values);
	http_reply_error(q->call, 404, "there is no parameter '%s'", q->tail);
}

static void answer_metrics(struct question *q)
{
	struct buf out;

	buf_init(&out, METRICS_MAX);
	queue_metrics(q->control->queue, &out);
	http_reply_text(q->call, "text/plain; version=0.0.4; charset=utf-8", buf_text(&out), out.len);
	buf_free(&out);
}

static void add_count(struct buf *page, const json_t *counts, const char *state)
{
	buf_fmt(page, "%-10s %lld\n", state, (long long)json_integer_value(json_object_get(counts, state)));
}

/* For a person with a browser: how it is, and how much mail waits. */
static void answer_page(struct question *q)
{
	struct control *c = q->control;
	json_t *status = queue_status(c->queue), *counts = json_object_get(status, "queue");
	const char *why = NULL;
	struct buf page;

	buf_init(&page, METRICS_MAX);
	buf_fmt(&page, "%s: Causeway %s, up %lld s\n", c->settings->myhostname, PACKAGE_VERSION,
		(long long)(loop_now(c->loop) - c->started) / 1000);
	buf_fmt(&page, "%s\n\n", queue_healthy(c->queue, &why) ? "mail flows" : why);
	add_count(&page, counts, "incoming");
	add_count(&page, counts, "active");
	add_count(&page, counts, "deferred");
	add_count(&page, counts, "held");
	http_reply_text(q->call, "text/plain; charset=utf-8", page.data, page.len);
	buf_free(&page);
	json_decref(status);
}

static void answer_health(struct question *q)
{
	const char *why = NULL;
	bool healthy = queue_healthy(q->control->queue, &why);
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "healthy", json_boolean(healthy));
	if (!healthy)
		json_object_set_new(o, "reason", json_clean(why));
	http_reply_json(q->call, healthy ? 200 : 503, o);
}

static void retry_done(void *arg, size_t count)
{
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "messages", json_integer((json_int_t)count));
	http_reply_json(arg, 200, o);
}

static void retry_one_done(void *arg, size_t count)
{
	if (count > 0)
		retry_done(arg, count);
	else
		show_done(arg, NULL);
}

static void answer_retry(struct question *q)
{
	const char *id_text = http_call_query(q->call, "id"), *dry = http_call_query(q->call, "dry_run");
	bool all = http_call_query(q->call, "all"), dry_run = dry && strcmp(dry, "0") != 0;
	struct queue *queue = q->control->queue;
	uint64_t id;

	if (!read_selectors(q))
		return;
	if ((id_text != NULL) + all + q->selects != 1)
		http_reply_error(q->call, 400,
			"say which messages: id=…, all=1, or selectors (state to from older reason)");
	else if (!id_text)
		queue_retry(queue, 0, &q->filter, dry_run, retry_done, q->call);
	else if (read_id(q->call, id_text, &id))
		queue_retry(queue, id, &q->filter, dry_run, retry_one_done, q->call);
}

static void answer_reload(struct question *q)
{
	struct waiting *w = mem_alloc(sizeof(*w));

	w->call = q->call;
	list_append(&q->control->reloads, &w->node);
	q->control->reload(q->control->arg);
}

static void answer_later(struct question *q)
{
	http_reply_error(q->call, 501, "%s is not built into this version yet", http_call_path(q->call) + 1);
}

/* --- routes --- */

static const struct route {
	const char *method, *path;
	bool tail;               /* more path follows */
	bool everybody;          /* served on control { http } too */
	void (*answer)(struct question *);
} routes[] = {
	{ "GET", "/", false, true, answer_page },
	{ "GET", "/status", false, false, answer_status },
	{ "GET", "/queue", false, false, answer_list },
	{ "GET", "/queue/", true, false, answer_show },
	{ "GET", "/destinations", false, false, answer_destinations },
	{ "GET", "/config", false, false, answer_config },
	{ "GET", "/config/", true, false, answer_config },
	{ "GET", "/metrics", false, true, answer_metrics },
	{ "GET", "/healthz", false, true, answer_health },
	{ "POST", "/retry", false, false, answer_retry },
	{ "POST", "/reload", false, false, answer_reload },
	{ "POST", "/hold", false, false, answer_later },
	{ "POST", "/release", false, false, answer_later },
	{ "POST", "/delete", false, false, answer_later },
	{ "POST", "/suspend", false, false, answer_later },
	{ "POST", "/resume", false, false, answer_later },
	{ "GET", "/explain", false, false, answer_later },
	{ "GET", "/verify", false, false, answer_later },
	{ "GET", "/top", false, false, answer_later },
};

static bool fits(const struct route *route, const char *path)
{
	size_t n = strlen(route->path);

	return strncmp(path, route->path, n) == 0 && (route->tail ? path[n] != '\0' : path[n] == '\0');
}

static void dispatch(struct control *c, struct http_call *call, bool everybody)
{
	const char *path = http_call_path(call), *method = http_call_method(call), *other = NULL;

	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		const struct route *route = &routes[i];
		struct question q = { .control = c, .call = call };

		if (!fits(route, path) || (everybody && !route->everybody))
			continue;
		if (strcmp(route->method, method) == 0) {
			q.tail = path + strlen(route->path);
			route->answer(&q);
			return;
		}
		other = route->method;
	}
	if (other)
		http_reply_error(call, 405, "%s is asked for with %s, not %s", path, other, method);
	else
		http_reply_error(call, 404, "there is nothing at %s", path);
}

static void from_operator(void *arg, struct http_call *call)
{
	dispatch(arg, call, false);
}

static void from_everybody(void *arg, struct http_call *call)
{
	dispatch(arg, call, true);
}

/* --- life --- */

struct control *control_new(struct loop *loop, struct queue *queue, const struct settings *settings,
	void (*reload)(void *arg), void *arg)
{
	struct control *c = mem_alloc(sizeof(*c));

	c->loop = loop;
	c->queue = queue;
	c->settings = settings;
	c->reload = reload;
	c->arg = arg;
	c->started = loop_now(loop);
	c->processes = control_processes_new();
	list_init(&c->reloads);
	c->operator = http_server_new(loop, from_operator, c);
	c->metrics = http_server_new(loop, from_everybody, c);
	return c;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	control_reloaded(c, "the daemon stops");
	http_server_free(c->operator);
	http_server_free(c->metrics);
	control_processes_free(c->processes);
	free(c);
}

void control_listen(struct control *c, int fd, bool operator)
{
	if (fd >= 0)
		http_server_listen(operator ? c->operator : c->metrics, fd);
}

void control_reconfigure(struct control *c, const struct settings *settings)
{
	c->settings = settings;
}

void control_reloaded(struct control *c, const char *complaint)
{
	LIST_EACH(node, &c->reloads) {
		struct waiting *w = LIST_OF(node, struct waiting, node);

		if (*complaint) {
			http_reply_error(w->call, 409, "%s", complaint);
		} else {
			json_t *o = mem_check(json_object());

			json_object_set_new(o, "reloaded", json_true());
			http_reply_json(w->call, 200, o);
		}
		list_remove(&w->node);
		free(w);
	}
}

struct control_processes *control_processes(struct control *c)
{
	return c->processes;
}
