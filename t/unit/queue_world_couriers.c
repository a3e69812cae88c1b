/* The couriers of queue_world.h, at the other end of their links, and the hosts behind them. */
#include "queue_world.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

struct courier_end {
	struct list all, jobs;
	struct world *world;
	struct link *link;
	unsigned slot;
	pid_t pid;
	unsigned idle[40];             /* connections that lie idle, by host */
	uint32_t destination[40];
	bool stopping;
	char told[500];                /* "KEY=VALUE\n" for each KEEP */
};

struct job {
	struct list all;
	struct courier_end *courier;
	struct request *request;
	struct host *host;
	struct loop_timer *timer;
	bool waiting;                  /* sent ahead, no connection yet */
	bool took_idle, connected, turned_away;
	bool at_work;
};

struct host *world_host(struct world *w, const char *nexthop)
{
	for (size_t i = 0; i < w->host_count; i++)
		if (strcmp(w->hosts[i].nexthop, nexthop) == 0)
			return &w->hosts[i];
	assert(w->host_count < sizeof w->hosts / sizeof w->hosts[0]);
	snprintf(w->hosts[w->host_count].nexthop, sizeof w->hosts[0].nexthop, "%s", nexthop);
	return &w->hosts[w->host_count++];
}

static size_t host_at(const struct world *w, const struct host *h)
{
	return (size_t)(h - w->hosts);
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* --- what a host says --- */

static void answer(struct job *j, uint32_t i, enum outcome outcome, const char *dsn, const char *text)
{
	struct world *w = j->courier->world;
	struct answer a = {
		.request = j->request->number, .rcpt = i, .conn_use = j->connected, .setup = 1, .transmission = 2,
		.verdict = { .outcome = outcome, .stage = STAGE_DOT, .text = (char *)text },
		.peer_reports = j->host->has_dsn,
		.relay = (char *)(j->connected ? "host.test[192.0.2.1]:24" : "none"),
	};

	snprintf(a.verdict.dsn, sizeof a.verdict.dsn, "%s", dsn);
	a.verdict.maybe_twice = begins(j->request->envelope->rcpts[i].address, "lost");
	if (j->connected && !a.verdict.maybe_twice)
		a.verdict.reply = (char *)text;
	w->sent += outcome == OUTCOME_SENT;
	w->deferred += outcome == OUTCOME_DEFERRED;
	w->bounced += outcome == OUTCOME_BOUNCED;
	link_send_answer(j->courier->link, &a);
}

static void answer_rcpt(struct job *j, uint32_t i)
{
	const struct envelope *e = j->request->envelope;
	const char *address = e->rcpts[i].address;

	if (begins(address, "later"))
		answer(j, i, OUTCOME_DEFERRED, "4.2.0", "450 4.2.0 not now");
	else if (begins(address, "never"))
		answer(j, i, OUTCOME_BOUNCED, "5.1.1", "550 5.1.1 nobody of that name");
	else if (begins(address, "again") && e->count > 1)
		answer(j, i, OUTCOME_AGAIN, "4.5.3", "452 4.5.3 too many recipients");
	else if (begins(address, "alone") && e->count > 1)
		answer(j, i, OUTCOME_ALONE, "4.5.3", "no answer for this one");
	else if (begins(address, "lost"))
		answer(j, i, OUTCOME_DEFERRED, "4.4.2", "lost connection after the end of the message");
	else if (begins(address, "stuck"))
		answer(j, i, OUTCOME_AGAIN, "4.5.3", "452 4.5.3 too many recipients");
	else if (!begins(address, "mute"))
		answer(j, i, OUTCOME_SENT, "2.0.0", "250 2.0.0 Saved");
}

static void job_free(struct job *j)
{
	list_remove(&j->all);
	j->host->at_work -= j->at_work;
	loop_timer_free(j->timer);
	request_free(j->request);
	free(j);
}

static struct job *waiting_job(struct courier_end *c, uint32_t destination, const uint32_t *request)
{
	for (struct list *l = c->jobs.next; l != &c->jobs; l = l->next) {
		struct job *j = LIST_OF(l, struct job, all);

		if (j->waiting && j->request->destination == destination
			&& (!request || j->request->number == *request))
			return j;
	}
	return NULL;
}

static void begin_job(struct job *);

static void finish(struct job *j, enum site site, bool kept)
{
	struct job *heir = kept ? waiting_job(j->courier, j->request->destination, NULL) : NULL;
	struct finish f = { .request = j->request->number, .destination = j->request->destination,
		.connection = heir ? CONNECTION_PASSED : kept ? CONNECTION_KEPT : CONNECTION_CLOSED,
		.next = heir ? heir->request->number : 0, .took_idle = j->took_idle, .site = site,
		.untried = j->courier->world->gives_back,
	                    .reason = site == SITE_FINE ? NULL
	                    : (char *)"connect to host.test: Connection refused" };
	struct courier_end *c = j->courier;

	if (j->host->dsn)
		snprintf(f.dsn, sizeof f.dsn, "%s", j->host->dsn);
	if (heir)
		heir->connected = true;
	else if (kept)
		c->idle[host_at(c->world, j->host)]++;
	else if (j->connected)
		j->host->open--;
	link_send_finish(c->link, &f);
	link_flush(c->link);
	job_free(j);
	if (heir)
		begin_job(heir);
}

static void close_one(struct courier_end *c, struct host *h)
{
	size_t at = host_at(c->world, h);

	if (!c->idle[at])
		return;
	c->idle[at]--;
	h->open--;
	link_send_closed(c->link, c->destination[at], 1);
}

static enum site site_of(const struct job *j)
{
	if (j->host->fails || (j->host->dead && !j->connected)
		|| begins(j->request->envelope->rcpts[0].address, "lost"))
		return SITE_DEAD;
	return j->turned_away ? SITE_BUSY : SITE_FINE;
}

/* Another one takes its place, as the supervisor would see to. */
static void crash(struct courier_end *c)
{
	struct world *w = c->world;
	unsigned slot = c->slot;

	w->crashes++;
	world_kill(w, c->pid, SIGSEGV);
	if (slot != QUEUE_SLOT_APART)
		world_courier(w, slot);
}

static void job_over(void *arg)
{
	struct job *j = arg;
	struct courier_end *c = j->courier;
	struct host *h = j->host;

	if (c->world->hold_answers) {
		loop_timer_set(j->timer, 10);
		return;
	}
	if (j->connected && begins(j->request->envelope->rcpts[0].address, "crash")) {
		crash(c);
		return;
	}
	for (uint32_t i = 0; i < j->request->envelope->count && !c->world->gives_back; i++) {
		if (h->dead && !j->connected)
			answer(j, i, OUTCOME_DEFERRED, h->dsn ? h->dsn : "4.4.1",
				"connect to host.test: Connection refused");
		else if (h->fails)
			answer(j, i, OUTCOME_DEFERRED, "4.4.2", "lost connection");
		else if (j->turned_away)
			answer(j, i, OUTCOME_AGAIN, "4.3.2", "closed before the greeting");
		else
			answer_rcpt(j, i);
	}
	finish(j, site_of(j), j->connected && site_of(j) == SITE_FINE && !h->dead
		&& !c->world->never_keeps);
	if (h->closes_idle)
		close_one(c, h);
}

static void connect_host(struct job *j)
{
	struct courier_end *c = j->courier;
	struct host *h = j->host;
	size_t at = host_at(c->world, h);

	c->destination[at] = j->request->destination;
	if (j->connected)
		return;
	if (c->idle[at]) {
		c->idle[at]--;
		j->took_idle = j->connected = true;
	} else if (!h->dead) {
		j->connected = true;
		h->open++;
		j->turned_away = h->busy_above && h->open > h->busy_above;
	}
	if (h->open > h->open_max)
		h->open_max = h->open;
}

static void begin_job(struct job *j)
{
	const struct request *r = j->request;
	struct world *w = j->courier->world;
	struct host *h = j->host;

	j->waiting = false;
	h->requests++;
	h->probes += r->connection_probe;
	h->last_request = loop_now(w->loop);
	if (r->envelope->count > h->rcpts_max)
		h->rcpts_max = (unsigned)r->envelope->count;
	connect_host(j);
	if (w->mark_dots)
		link_mark_dot(j->courier->link, r->number);
	j->at_work = true;
	h->at_work++;
	loop_timer_set(j->timer, w->duration + h->cost * h->at_work);
}

/* --- couriers --- */

static void heard_request(void *arg, struct request *r, int fd)
{
	struct courier_end *c = arg;
	struct job *j = mem_alloc(sizeof *j);
	struct host *h = world_host(c->world, r->nexthop);

	close(fd);
	assert(r->trace_size && begins(r->trace, "Received: by "));
	j->courier = c;
	j->request = r;
	j->host = h;
	j->timer = loop_timer_new(c->world->loop, job_over, j);
	list_append(&c->jobs, &j->all);
	j->waiting = r->ahead;
	c->world->ahead += r->ahead;
	if (!r->ahead)
		begin_job(j);
}

static void heard_recall(void *arg, uint32_t destination, uint32_t request)
{
	struct courier_end *c = arg;
	struct job *j = waiting_job(c, destination, &request);
	struct finish f = { .request = request, .destination = destination, .untried = true };

	if (!j)
		return;
	c->world->recalled++;
	link_send_finish(c->link, &f);
	link_flush(c->link);
	job_free(j);
}

static void heard_close_idle(void *arg, uint32_t destination, unsigned count)
{
	struct courier_end *c = arg;

	for (size_t i = 0; i < c->world->host_count; i++)
		for (unsigned n = 0; c->destination[i] == destination && n < count; n++)
			close_one(c, &c->world->hosts[i]);
	link_flush(c->link);
}

static void heard_stop(void *arg)
{
	((struct courier_end *)arg)->stopping = true;
}

static void heard_keep(void *arg, const char *key, const void *value, size_t n)
{
	struct courier_end *c = arg;
	size_t len = strlen(c->told);

	snprintf(c->told + len, sizeof c->told - len, "%s=%.*s\n", key, (int)n, (const char *)value);
}

static void heard_break(void *arg, const char *why)
{
	(void)arg;
	(void)why;
}

static const struct link_events courier_events = {
	.request = heard_request, .recall = heard_recall, .close_idle = heard_close_idle, .stop = heard_stop,
	.keep = heard_keep, .broken = heard_break,
};

static struct courier_end *courier_of(struct world *w, pid_t pid)
{
	LIST_EACH(l, &w->couriers)
		if (LIST_OF(l, struct courier_end, all)->pid == pid)
			return LIST_OF(l, struct courier_end, all);
	return NULL;
}

void world_keep(struct world *w, pid_t pid, const char *key, int64_t until, const char *value)
{
	struct link *link = courier_of(w, pid)->link;

	link_send_keep_until(link, key, until, value, strlen(value));
	link_flush(link);
	world_run(w, 1);
}

const char *world_told(struct world *w, pid_t pid)
{
	return courier_of(w, pid)->told;
}

pid_t world_courier(struct world *w, unsigned slot)
{
	struct courier_end *c = mem_alloc(sizeof *c);
	int pair[2];

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	c->world = w;
	c->slot = slot;
	c->pid = ++w->last_pid;
	list_init(&c->jobs);
	list_append(&w->couriers, &c->all);
	queue_courier(w->queue, slot, c->pid, pair[0]);
	c->link = link_new(w->loop, pair[1], &courier_events, c);
	link_send_credit(c->link, w->credit);
	link_flush(c->link);
	return c->pid;
}

static void courier_end(struct courier_end *c)
{
	LIST_EACH(l, &c->jobs) {
		struct job *j = LIST_OF(l, struct job, all);

		if (j->connected)
			j->host->open--;
		job_free(j);
	}
	for (size_t i = 0; i < c->world->host_count; i++)
		c->world->hosts[i].open -= c->idle[i];
	link_free(c->link);
	list_remove(&c->all);
	free(c);
}

void world_break(struct world *w, pid_t pid)
{
	courier_end(courier_of(w, pid));
}

void world_end_couriers(struct world *w)
{
	LIST_EACH(l, &w->couriers)
		courier_end(LIST_OF(l, struct courier_end, all));
}

void world_kill(struct world *w, pid_t pid, int status)
{
	struct courier_end *c = courier_of(w, pid);
	unsigned slot;

	if (!c)
		return;
	slot = c->slot;
	courier_end(c);
	queue_courier_gone(w->queue, slot, pid, status);
}

size_t world_held(const struct world *w)
{
	size_t n = 0;

	for (const struct list *l = w->couriers.next; l != &w->couriers; l = l->next) {
		const struct list *jobs = &LIST_OF(l, const struct courier_end, all)->jobs;

		for (const struct list *j = jobs->next; j != jobs; j = j->next)
			n++;
	}
	return n;
}
