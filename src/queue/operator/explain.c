/* The operator's question which way mail takes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address/address.h"
#include "queue/core.h"
#include "queue/couriers/couriers.h"
#include "queue/destination/health.h"
#include "queue/operator/explain.h"
#include "queue/operator/message_json.h"
#include "queue/queue.h"
#include "queue/route/route.h"
#include "talk/tls_policy.h"

static json_t *setting(const struct manner *m, const char *name)
{
	struct buf value;
	json_t *text;

	buf_init(&value, SIZE_MAX);
	manner_print(m, name, &value);
	text = json_clean(buf_text(&value));
	buf_free(&value);
	return text;
}

/* What would be said and shown on a connection, as far as the configuration knows. */
static void add_policy(json_t *o, const struct manner *m)
{
	json_object_set_new(o, "tls", json_string(tls_level_name(manner_tls_level(m))));
	json_object_set_new(o, "credentials", m->sasl_auth_enable
		? setting(m, "sasl_password_maps") : json_null());
}

static void add_way(struct queue *q, json_t *o, const struct route_answer *way)
{
	const struct settings_transport *t = settings_transport(q->settings, way->transport);
	const struct destination *d = destinations_known(q->destinations, way->transport, way->nexthop);

	json_object_set_new(o, "nexthop", json_clean(way->nexthop));
	json_object_set_new(o, "protocol", json_string(protocol_name(t->manner->protocol)));
	json_object_set_new(o, "flags", json_clean(t->flags));
	add_policy(o, t->manner);
	json_object_set_new(o, "destination", d ? destination_json(d) : json_null());
}

static json_t *describe(struct queue *q, const char *address, const struct route_answer *way)
{
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "address", json_clean(address));
	json_object_set_new(o, "rule", json_string(way->rule));
	json_object_set_new(o, "transport", json_clean(way->transport));
	json_object_set_new(o, "deliverable", json_boolean(way->found));
	if (way->found) {
		add_way(q, o, way);
	} else {
		json_object_set_new(o, "dsn", json_string(way->dsn));
		json_object_set_new(o, "text", json_clean(way->text));
	}
	return o;
}

/* --- what a courier adds --- */

enum { PATIENCE_MS = 60 * 1000 };

struct explanation {
	struct list in;
	struct explanations *home;
	uint32_t number;
	const struct courier *courier;
	struct loop_timer *patience;
	json_t *way;
	void (*done)(void *arg, json_t *way);
	void *arg;
};

struct explanations {
	struct queue *queue;
	struct list list;
	uint32_t last;
};

struct explanations *explanations_new(struct queue *q)
{
	struct explanations *all = mem_alloc(sizeof *all);

	all->queue = q;
	list_init(&all->list);
	return all;
}

static void explanation_free(struct explanation *e)
{
	list_remove(&e->in);
	loop_timer_free(e->patience);
	json_decref(e->way);
	free(e);
}

static void finish(struct explanation *e)
{
	e->done(e->arg, e->way);
	explanation_free(e);
}

/* The hosts are not known, and why. */
static void finish_without(struct explanation *e, const char *why)
{
	json_object_set_new(e->way, "hosts", json_array());
	json_object_set_new(e->way, "failure", json_pack("{s:n, s:s}", "dsn", "text", why));
	finish(e);
}

void explanations_free(struct explanations *all)
{
	if (!all)
		return;
	LIST_EACH(at, &all->list)
		explanation_free(LIST_OF(at, struct explanation, in));
	free(all);
}

void explanations_found(struct explanations *all, uint32_t number, const char *answer)
{
	const char *why;
	json_t *found;

	LIST_EACH(at, &all->list) {
		struct explanation *e = LIST_OF(at, struct explanation, in);

		if (e->number != number)
			continue;
		found = json_read(answer, strlen(answer), &why);
		if (json_is_object(found)) {
			json_object_update_missing(e->way, found);
			finish(e);
		} else {
			finish_without(e, "the courier's answer cannot be read");
		}
		json_decref(found);
		return;
	}
}

void explanations_lost(struct explanations *all, const struct courier *c)
{
	LIST_EACH(at, &all->list) {
		struct explanation *e = LIST_OF(at, struct explanation, in);

		if (e->courier == c)
			finish_without(e, "the courier that looked it up has ended");
	}
}

static void out_of_patience(void *arg)
{
	finish_without(arg, "no courier has answered in time");
}

static void ask(struct explanation *e, struct courier *c, const struct route_answer *way)
{
	json_t *question = mem_check(json_pack("{s:s, s:s}", "transport", way->transport, "nexthop",
		way->nexthop));
	struct buf text;

	buf_init(&text, LINK_ANSWER_MAX);
	json_print(question, &text);
	e->courier = c;
	e->patience = loop_timer_new(e->home->queue->loop, out_of_patience, e);
	loop_timer_set(e->patience, PATIENCE_MS);
	link_send_lookup(c->link, e->number, buf_text(&text));
	buf_free(&text);
	json_decref(question);
}

static void begin(struct queue *q, const struct route_answer *way, json_t *known,
	void (*done)(void *arg, json_t *way), void *arg)
{
	struct explanations *all = q->explanations;
	struct courier *c = way->found ? couriers_any(q->couriers) : NULL;
	struct explanation *e = mem_alloc(sizeof *e);

	*e = (struct explanation){ .home = all, .number = ++all->last, .way = known, .done = done, .arg = arg };
	list_append(&all->list, &e->in);
	if (c)
		ask(e, c, way);
	else if (way->found)
		finish_without(e, "there is no courier to look it up");
	else
		finish(e);
}

bool queue_explain(struct queue *q, const char *address, void (*done)(void *arg, json_t *way), void *arg,
	const char **why)
{
	struct text local, domain;
	struct route_answer way;
	char *full;

	if (!address_check(text_of(address), why))
		return false;
	address_split(text_of(address), &local, &domain);
	full = domain.n ? mem_str(address) : mem_fmt("%s@%s", address, q->settings->myorigin);
	route_find(q->route, full, &way);
	begin(q, &way, describe(q, full, &way), done, arg);
	free(full);
	return true;
}
