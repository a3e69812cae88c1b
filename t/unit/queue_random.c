/* Long random runs in which nothing may break: no limit, no count, no lease, no message. */
#include <signal.h>
#include <stdio.h>

#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)

enum { MESSAGES = 400, COURIERS = 3, LIMIT = 6 };

static const char *const prefixes[] = { "ok", "ok", "ok", "later", "never", "again", "alone" };
static const char *const domains[] = { "a.test", "b.test", "c.test" };

static uint32_t dice(uint64_t *state, uint32_t sides)
{
	return schedule_random(state) % sides;
}

static void drop_random(struct world *w, uint64_t *state)
{
	char rcpts[6][60];
	const char *list[6];
	size_t count = 1 + dice(state, 6);

	for (size_t i = 0; i < count; i++) {
		snprintf(rcpts[i], sizeof rcpts[i], "%s%zu@%s", prefixes[dice(state, 7)], i,
		         domains[dice(state, 3)]);
		list[i] = rcpts[i];
	}
	fake_spool_drop(w->queue->spool, dice(state, 4) ? "s@sender.test" : "", list, count,
	                "Subject: x\r\n\r\n.\r\n");
}

static void disturb(struct world *w, uint64_t *state)
{
	struct host *h = world_host(w, (const char *[]){ "inet:a", "inet:b", "inet:c" }[dice(state, 3)]);

	switch (dice(state, 10)) {
	case 0:
		h->dead = !h->dead;
		break;
	case 1:
		h->busy_above = dice(state, 4);
		break;
	case 2:
		h->closes_idle = !h->closes_idle;
		break;
	case 3:
		world_kill(w, w->last_pid - (pid_t)dice(state, COURIERS), dice(state, 2) ? SIGKILL : SIGSEGV);
		world_courier(w, w->last_pid % COURIERS);
		break;
	case 4:
		world_order(w, QUEUE_RETRY, 0, NULL, dice(state, 2));
		break;
	case 5:
		world_order(w, dice(state, 2) ? QUEUE_HOLD : QUEUE_RELEASE, 0,
			&(struct queue_filter){ .to = "a.test" }, false);
		break;
	case 6:
		world_order(w, QUEUE_DELETE, 0, &(struct queue_filter){ .state = "active" }, false);
		break;
	case 7:
		world_suspend(w, "lmtp:inet:b", dice(state, 2));
		break;
	default:
		break;
	}
}

static void check_counts(struct world *w)
{
	const struct destination *d;
	size_t cursor = 0;

	while ((d = destinations_each(w->queue->destinations, &cursor))) {
		unsigned busy = 0, idle = 0;

		for (unsigned i = 0; i < d->seats; i++) {
			busy += d->shares[i].busy;
			idle += d->shares[i].idle > 0 ? (unsigned)d->shares[i].idle : 0;
		}
		ck_assert_uint_eq(d->busy, busy);
		ck_assert_uint_eq(d->idle, idle);
		ck_assert_uint_le(busy + idle, d->rules.limit);
		ck_assert_uint_ge(d->window.size, 1);
		ck_assert_uint_le(d->window.size, d->rules.limit);
	}
	for (size_t i = 0; i < w->host_count; i++)
		ck_assert_uint_le(w->hosts[i].open_max, LIMIT);
}

/* When all is over, every lease stands for a connection that is open. */
static void check_leases(struct world *w)
{
	unsigned open = 0, leases = 0;
	const struct destination *d;
	size_t cursor = 0;

	world_run(w, MINUTE);
	while ((d = destinations_each(w->queue->destinations, &cursor))) {
		leases += destination_open(d);
		ck_assert(list_empty(&d->ahead));
	}
	for (size_t i = 0; i < w->host_count; i++)
		open += w->hosts[i].open;
	ck_assert_uint_eq(leases, open);
}

static void calm(struct world *w)
{
	for (size_t i = 0; i < w->host_count; i++) {
		w->hosts[i].dead = false;
		w->hosts[i].busy_above = 0;
	}
	world_suspend(w, "lmtp:inet:b", false);
	world_order(w, QUEUE_RELEASE, 0, NULL, false);
}

START_TEST(test_random_run)
{
	uint64_t state = 1000 + (uint64_t)_i;
	struct world w;

	world_begin(&w, "lmtp.destination_concurrency_limit", "6", "lmtp.destination_recipient_limit", "3",
	            "queue.active_limit", "200",
	            "queue.maximal_queue_lifetime", "4h", "queue.bounce_queue_lifetime", "2h", NULL);
	w.credit = 40;
	w.mark_dots = true;
	world_open(&w);
	for (int i = 1; i < COURIERS; i++)
		world_courier(&w, (unsigned)i);
	for (int i = 0; i < MESSAGES; i++) {
		drop_random(&w, &state);
		if (dice(&state, 10) == 0)
			disturb(&w, &state);
		world_run(&w, dice(&state, 50));
		check_counts(&w);
	}
	calm(&w);
	/* Those who are always "later" expire; everybody else has long been served. */
	ck_assert(world_until_left(&w, 0, 8 * 60 * MINUTE));
	check_counts(&w);
	check_leases(&w);
	ck_assert_uint_gt(w.ahead, 0);
	world_end(&w);
}
END_TEST

/* The same with the queue process itself dying now and then: nothing is lost, nobody is reported delivered
 * twice. */
START_TEST(test_random_crashes)
{
	uint64_t state = 5000 + (uint64_t)_i;
	struct world w;

	world_begin(&w, "lmtp.destination_concurrency_limit", "6", "queue.maximal_queue_lifetime", "4h",
	            "queue.bounce_queue_lifetime", "2h", NULL);
	world_open(&w);
	for (int i = 0; i < 200; i++) {
		drop_random(&w, &state);
		fake_spool_hold = dice(&state, 4) == 0;
		world_run(&w, dice(&state, 40));
		if (dice(&state, 20))
			continue;
		world_crash(&w);
		fake_spool_hold = false;
		world_open(&w);
	}
	fake_spool_hold = false;
	drop_random(&w, &state);
	ck_assert(world_until_left(&w, 0, 8 * 60 * MINUTE));
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "random run", test_random_run, 8, 0 },
		{ "random crashes", test_random_crashes, 8, 0 },
	};

	return unit_main("queue/random", cases, UNIT_ROWS(cases));
}
