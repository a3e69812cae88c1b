#include "daemon/control/control.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/control/control_private.h"
#include "daemon/control/control_processes.h"

/* Somebody who waits for a reload to be over. */
struct waiting {
	struct list node;
	struct http_call *call;
	int64_t ipc_timeout;             /* ms, as it was when he asked */
	struct loop_timer *patience;     /* for the supervisor */
};

static void waiting_free(struct waiting *w)
{
	list_remove(&w->node);
	loop_timer_free(w->patience);
	free(w);
}

/* --- routes --- */

static void no_answer(void *arg)
{
	struct waiting *w = arg;

	http_reply_error(w->call, 504, "the supervisor has not answered within ipc_timeout (%g s); the old "
		"configuration stays in force unless the log says that the new one is",
		(double)w->ipc_timeout / 1000);
	waiting_free(w);
}

static void answer_reload(struct question *q)
{
	struct waiting *w = mem_alloc(sizeof(*w));

	w->call = q->call;
	w->patience = loop_timer_new(q->control->loop, no_answer, w);
	w->ipc_timeout = q->control->settings->ipc_timeout;
	loop_timer_set(w->patience, w->ipc_timeout);
	list_append(&q->control->reloads, &w->node);
	q->control->reload(q->control->arg);
}

static const struct route {
	const char *method, *path;
	bool tail;               /* more path follows */
	bool everybody;          /* served on control { http } too */
	void (*answer)(struct question *);
} routes[] = {
	{ "GET", "/", false, true, control_answer_page },
	{ "GET", "/status", false, true, control_answer_status },
	{ "GET", "/queue", false, false, control_answer_list },
	{ "GET", "/queue/", true, false, control_answer_show },
	{ "GET", "/destinations", false, true, control_answer_destinations },
	{ "GET", "/config", false, false, control_answer_config },
	{ "GET", "/config/", true, false, control_answer_config },
	{ "GET", "/metrics", false, true, control_answer_metrics },
	{ "GET", "/healthz", false, true, control_answer_health },
	{ "POST", "/retry", false, false, control_answer_retry },
	{ "POST", "/reload", false, false, answer_reload },
	{ "POST", "/hold", false, false, control_answer_hold },
	{ "POST", "/release", false, false, control_answer_release },
	{ "POST", "/delete", false, false, control_answer_delete },
	{ "POST", "/suspend", false, false, control_answer_suspend },
	{ "POST", "/resume", false, false, control_answer_resume },
	{ "GET", "/explain", false, false, control_answer_explain },
	{ "GET", "/verify", false, false, control_answer_verify },
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
		waiting_free(w);
	}
}

struct control_processes *control_processes(struct control *c)
{
	return c->processes;
}
