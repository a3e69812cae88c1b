#include "net/resolver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unbound.h>
#include <unbound-event.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/address/domain.h"
#include "net/resolver_context.h"

enum {
	CLASS_IN = 1,
	/* the sec argument of libunbound's event call-back */
	UNBOUND_BOGUS = 1, UNBOUND_SECURE = 2,
	KEY_SIZE = DOMAIN_SIZE + 8,
	TEXT_MAX = 500
};

struct resolver {
	struct loop *loop;
	struct ub_ctx *ctx;
	int64_t patience;
	struct map *lookups;         /* that others may still join, by type and name: struct lookup */
	struct list all;             /* struct lookup */
};

struct resolver_query {
	struct list in;
	void (*done)(void *arg, const struct resolver_answer *);
	void *arg;
};

/* One question, for all who ask it meanwhile. */
struct lookup {
	struct list in_all;
	struct resolver *resolver;
	char key[KEY_SIZE];
	char name[DOMAIN_SIZE];
	enum dnsmsg_type type;
	struct list queries;
	bool asked;                  /* libunbound will still call back … */
	bool answered;               /* … and nobody waits for it any more */
	struct loop_timer *patience;
	enum resolver_result result;
	enum dnssec dnssec;
	bool unproven;
	struct dnsrecord_set set;
	char text[TEXT_MAX];
	struct loop_task tell;
};

const char *dnssec_word(enum dnssec d)
{
	static const char *const words[] = {
		[DNSSEC_INSECURE] = "insecure", [DNSSEC_SECURE] = "secure", [DNSSEC_BOGUS] = "bogus",
	};

	return words[d];
}

static void lookup_free(struct lookup *l)
{
	while (!list_empty(&l->queries)) {
		struct list *first = list_first(&l->queries);

		list_remove(first);
		free(LIST_OF(first, struct resolver_query, in));
	}
	loop_cancel(l->resolver->loop, &l->tell);
	loop_timer_free(l->patience);
	list_remove(&l->in_all);
	dnsrecord_clear(&l->set);
	free(l);
}

/* --- the answer --- */

static void leave_map(struct lookup *l)
{
	if (map_get(l->resolver->lookups, l->key, strlen(l->key)) == l)
		map_take(l->resolver->lookups, l->key, strlen(l->key));
}

/* What libunbound still has to say of this question goes nowhere; it stays until then. */
static void tell(void *arg)
{
	struct lookup *l = arg;
	struct resolver_answer a = {
		.result = l->result, .dnssec = l->dnssec, .unproven = l->unproven, .name = l->set.owner,
		.records = l->set.records, .count = l->set.count,
		.text = l->result == RESOLVER_FOUND ? NULL : l->text,
	};

	leave_map(l);
	while (!list_empty(&l->queries)) {
		struct resolver_query *q = LIST_OF(list_first(&l->queries), struct resolver_query, in);

		list_remove(&q->in);
		q->done(q->arg, &a);
		free(q);
	}
	if (l->asked)
		loop_timer_stop(l->patience);
	else
		lookup_free(l);
}

static void answer(struct lookup *l, enum resolver_result result, const char *text, const char *detail)
{
	struct buf b;

	l->answered = true;
	l->result = result;
	buf_init(&b, TEXT_MAX - 1);
	buf_str(&b, text ? text : "");
	if (detail) {
		buf_str(&b, ": ");
		text_clean(text_of(detail), TEXT_MAX / 2, &b);
	}
	snprintf(l->text, sizeof l->text, "%s", buf_text(&b));
	buf_free(&b);
	loop_later(l->resolver->loop, &l->tell);
}

static void take_records(struct lookup *l, const struct dnsmsg *m)
{
	l->unproven = m->authorities == 0;
	switch (dnsrecord_read(m, l->name, l->type, RESOLVER_RECORDS_MAX, &l->set)) {
	case DNSRECORD_READ:
		if (l->set.count > 0)
			answer(l, RESOLVER_FOUND, NULL, NULL);
		else
			answer(l, RESOLVER_EMPTY, "Host found but no data record of requested type", NULL);
		break;
	case DNSRECORD_DAMAGED:
		answer(l, RESOLVER_LATER, "the name server's answer is damaged; try again", NULL);
		break;
	case DNSRECORD_CIRCLE:
		answer(l, RESOLVER_LATER, "its aliases (CNAME) lead in a circle; try again", NULL);
		break;
	case DNSRECORD_STRANGE:
		answer(l, RESOLVER_LATER, "the name server answered about another name; try again", NULL);
		break;
	}
}

/* The code is in the packet, or beside it where there is none. */
static void take_packet(struct lookup *l, int rcode, const void *packet, int size)
{
	struct dnsmsg m = { .rcode = (unsigned)rcode };

	if (rcode == DNSMSG_NOERROR && (!packet || size < 0 || !dnsmsg_open(&m, packet, (size_t)size)))
		answer(l, RESOLVER_LATER, "the name server's answer is damaged; try again", NULL);
	else if (m.rcode == DNSMSG_NXDOMAIN)
		answer(l, RESOLVER_NAMELESS, "Host not found", NULL);
	else if (m.rcode == DNSMSG_SERVFAIL)
		answer(l, RESOLVER_LATER, "no name server gives a good answer (SERVFAIL); try again", NULL);
	else if (m.rcode != DNSMSG_NOERROR)
		answer(l, RESOLVER_LATER, "the name servers refuse to answer; try again", NULL);
	else
		take_records(l, &m);
}

/* libunbound may call this before it was asked to the end; nobody is told but from the loop. */
static void heard(void *arg, int rcode, void *packet, int size, int sec, char *why_bogus, int ratelimited)
{
	struct lookup *l = arg;

	(void)ratelimited;
	l->asked = false;
	if (l->answered) {
		if (!l->tell.queued)
			lookup_free(l);
		return;
	}
	l->dnssec = sec == UNBOUND_BOGUS ? DNSSEC_BOGUS : sec == UNBOUND_SECURE ? DNSSEC_SECURE : DNSSEC_INSECURE;
	if (sec == UNBOUND_BOGUS)
		answer(l, RESOLVER_LATER, "the answer fails DNSSEC validation (bogus); try again", why_bogus);
	else
		take_packet(l, rcode, packet, size);
}

static void out_of_patience(void *arg)
{
	struct lookup *l = arg;

	if (!l->answered)
		answer(l, RESOLVER_LATER, "no name server answered in time; try again", NULL);
}

/* --- the question --- */

static void ask_dns(struct lookup *l)
{
	int error;

	l->asked = true;
	error = ub_resolve_event(l->resolver->ctx, l->name, (int)l->type, CLASS_IN, l, heard, NULL);
	if (error) {
		l->asked = false;
		answer(l, RESOLVER_LATER, "the question could not be asked; try again", ub_strerror(error));
	} else if (l->asked) {
		l->patience = loop_timer_new(l->resolver->loop, out_of_patience, l);
		loop_timer_set(l->patience, l->resolver->patience);
	}
}

/* A wildcard is a name as good as any; the root has a name too. */
static bool may_be_asked(const char *name, const char **why)
{
	struct text t = text_of(name);

	*why = "a numeric address";
	if (domain_numeric(t) != DOMAIN_NAME)
		return false;
	if (t.n > 2 && t.p[0] == '*' && t.p[1] == '.')
		t = text_make(t.p + 2, t.n - 2);
	return strcmp(name, ".") == 0 || domain_check(t, why);
}

static struct lookup *lookup_new(struct resolver *r, const char *key, const char *name, enum dnsmsg_type type)
{
	struct lookup *l = mem_alloc(sizeof *l);
	const char *why;

	l->resolver = r;
	l->type = type;
	l->tell = (struct loop_task){ .fn = tell, .arg = l };
	list_init(&l->queries);
	list_append(&r->all, &l->in_all);
	snprintf(l->key, sizeof l->key, "%s", key);
	domain_key(text_of(name), l->name);
	snprintf(l->set.owner, sizeof l->set.owner, "%s", l->name);
	map_put(r->lookups, l->key, strlen(l->key), l);
	if (may_be_asked(name, &why))
		ask_dns(l);
	else
		answer(l, RESOLVER_NAMELESS, "not the name of a host", why);
	return l;
}

struct resolver_query *resolver_ask(struct resolver *r, const char *name, enum dnsmsg_type type,
	void (*done)(void *arg, const struct resolver_answer *), void *arg)
{
	struct resolver_query *q = mem_alloc(sizeof *q);
	char key[KEY_SIZE], folded[DOMAIN_SIZE];
	struct lookup *l;

	q->done = done;
	q->arg = arg;
	snprintf(key, sizeof key, "%u %s", (unsigned)type, domain_key(text_of(name), folded));
	l = map_get(r->lookups, key, strlen(key));
	l = l ? l : lookup_new(r, key, name, type);
	list_append(&l->queries, &q->in);
	return q;
}

void resolver_cancel(struct resolver_query *q)
{
	if (!q)
		return;
	list_remove(&q->in);
	free(q);
}

/* --- coming and going --- */

struct resolver *resolver_new(struct loop *loop, const struct resolver_setup *setup, char **why)
{
	struct ub_ctx *ctx = resolver_context_new(loop, setup, why);
	struct resolver *r;

	if (!ctx)
		return NULL;
	r = mem_alloc(sizeof *r);
	r->loop = loop;
	r->ctx = ctx;
	r->patience = setup->patience;
	list_init(&r->all);
	r->lookups = map_new();
	return r;
}

/* The context goes first: it may still report look-ups that it drops. */
void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	resolver_context_free(r->ctx);
	LIST_EACH(at, &r->all)
		lookup_free(LIST_OF(at, struct lookup, in_all));
	map_free(r->lookups);
	free(r);
}
