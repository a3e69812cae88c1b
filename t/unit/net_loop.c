#include "unit.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "net/loop.h"

static struct loop *loop;
static char trail[200];
static struct loop_task first, second, third;
static struct loop_timer *timers[4];
static struct loop_watch *watch;
static int pipe_fds[2];

/* What call-backs get: letters to mark the trail with. */
static char one[] = "1", two[] = "2", three[] = "3";

static void mark(void *arg)
{
	strcat(trail, arg);
}

static void mark_and_stop(void *arg)
{
	mark(arg);
	loop_stop(loop);
}

/* Asks for both of the others, one of them twice. */
static void mark_and_ask(void *arg)
{
	mark(arg);
	loop_later(loop, &second);
	loop_later(loop, &third);
	loop_later(loop, &second);
}

START_TEST(test_timers_in_order)
{
	static const int64_t after[] = { 30, 10, 20 };
	static char *const names[] = { three, one, two };

	loop = loop_new();
	for (int i = 0; i < 3; i++) {
		timers[i] = loop_timer_new(loop, i == 0 ? mark_and_stop : mark, names[i]);
		loop_timer_set(timers[i], after[i]);
	}
	loop_run(loop);
	ck_assert_str_eq(trail, "123");
	for (int i = 0; i < 3; i++) {
		ck_assert(!loop_timer_is_set(timers[i]));
		loop_timer_free(timers[i]);
	}
	loop_free(loop);
}
END_TEST

START_TEST(test_timer_moves)
{
	loop = loop_new();
	timers[0] = loop_timer_new(loop, mark, one);
	timers[1] = loop_timer_new(loop, mark_and_stop, two);
	timers[2] = loop_timer_new(loop, mark, three);
	loop_timer_set(timers[0], 5);
	loop_timer_set(timers[1], 1);
	loop_timer_set(timers[2], 3600 * 1000);
	loop_timer_stop(timers[0]);
	loop_timer_set(timers[1], 40);
	loop_timer_set(timers[2], 20);
	loop_run(loop);
	ck_assert_str_eq(trail, "32");
	for (int i = 0; i < 3; i++)
		loop_timer_free(timers[i]);
	loop_free(loop);
}
END_TEST

static int64_t seen_now;

static void look_at_clock(void *arg)
{
	int64_t until = loop_micros() + 4000;

	(void)arg;
	seen_now = loop_now(loop);
	while (loop_micros() < until)
		;
	ck_assert_int_eq(loop_now(loop), seen_now);
	loop_stop(loop);
}

/* A timer never fires early, and the time stands still within a turn. */
START_TEST(test_clock)
{
	int64_t before;

	loop = loop_new();
	before = loop_now(loop);
	timers[0] = loop_timer_new(loop, look_at_clock, NULL);
	loop_timer_set(timers[0], 25);
	loop_run(loop);
	ck_assert_int_ge(seen_now, before + 25);
	ck_assert_int_gt(loop_wall(loop), INT64_C(1500000000000));
	loop_timer_free(timers[0]);
	loop_free(loop);
}
END_TEST

/* What a task asks for comes after what was asked for before, each once. */
START_TEST(test_tasks)
{
	loop = loop_new();
	first = (struct loop_task){ .fn = mark_and_ask, .arg = one };
	second = (struct loop_task){ .fn = mark_and_stop, .arg = two };
	third = (struct loop_task){ .fn = mark, .arg = three };
	loop_later(loop, &third);
	loop_later(loop, &first);
	loop_later(loop, &third);
	loop_run(loop);
	ck_assert_str_eq(trail, "3123");
	loop_free(loop);
}
END_TEST

static void cancel_third(void *arg)
{
	mark(arg);
	loop_cancel(loop, &third);
}

START_TEST(test_cancel)
{
	loop = loop_new();
	first = (struct loop_task){ .fn = cancel_third, .arg = one };
	second = (struct loop_task){ .fn = mark_and_stop, .arg = two };
	third = (struct loop_task){ .fn = mark, .arg = three };
	loop_later(loop, &first);
	loop_later(loop, &third);
	loop_later(loop, &second);
	loop_cancel(loop, &first);
	loop_later(loop, &first);
	loop_run(loop);
	ck_assert_str_eq(trail, "321");
	trail[0] = '\0';
	loop_later(loop, &first);
	loop_later(loop, &third);
	loop_later(loop, &second);
	loop_run(loop);
	ck_assert_str_eq(trail, "12");
	loop_cancel(loop, &first);
	loop_free(loop);
}
END_TEST

static void ask_again(void *arg)
{
	loop_later(loop, arg);
}

/* A task that always asks for itself does not keep timers from firing. */
START_TEST(test_greedy_task)
{
	loop = loop_new();
	first = (struct loop_task){ .fn = ask_again, .arg = &first };
	loop_later(loop, &first);
	timers[0] = loop_timer_new(loop, mark_and_stop, one);
	loop_timer_set(timers[0], 5);
	loop_run(loop);
	ck_assert_str_eq(trail, "1");
	loop_cancel(loop, &first);
	loop_timer_free(timers[0]);
	loop_free(loop);
}
END_TEST

static void pipe_ready(void *arg, bool readable, bool writable)
{
	char c;

	(void)arg;
	ck_assert(readable && !writable);
	ck_assert_int_eq(read(pipe_fds[0], &c, 1), 1);
	strncat(trail, &c, 1);
	if (c == '!')
		loop_stop(loop);
	loop_watch_want(watch, c != '!', false);
}

START_TEST(test_watch)
{
	loop = loop_new();
	ck_assert_int_eq(pipe(pipe_fds), 0);
	watch = loop_watch_new(loop, pipe_fds[0], pipe_ready, NULL);
	loop_watch_want(watch, true, false);
	ck_assert_int_eq(write(pipe_fds[1], "ab!", 3), 3);
	loop_run(loop);
	ck_assert_str_eq(trail, "ab!");
	loop_watch_free(watch);
	loop_free(loop);
}
END_TEST

static void caught(void *arg, int signo)
{
	(void)arg;
	ck_assert_int_eq(signo, SIGUSR1);
	mark_and_stop(one);
}

START_TEST(test_signal)
{
	struct loop_signal *s;

	loop = loop_new();
	s = loop_signal_new(loop, SIGUSR1, caught, NULL);
	raise(SIGUSR1);
	loop_run(loop);
	ck_assert_str_eq(trail, "1");
	loop_signal_free(s);
	loop_free(loop);
}
END_TEST

/* A loop may be stopped before it runs. */
START_TEST(test_stopped_early)
{
	loop = loop_new();
	loop_stop(loop);
	loop_run(loop);
	loop_free(loop);
}
END_TEST

/* Started under a policy, and what it is under when it is patient: an administrator's choice stays. */
static const struct {
	int started, patient;
} policies[] = {
	{ SCHED_OTHER, SCHED_BATCH }, { SCHED_BATCH, SCHED_BATCH }, { SCHED_IDLE, SCHED_IDLE },
};

START_TEST(test_patient)
{
	ck_assert_int_eq(sched_setscheduler(0, policies[_i].started, &(struct sched_param){ 0 }), 0);
	loop = loop_new();
	loop_set_patient(loop, false);
	ck_assert_int_eq(sched_getscheduler(0), policies[_i].started);
	for (int i = 0; i < 2; i++) {
		loop_set_patient(loop, true);
		ck_assert_int_eq(sched_getscheduler(0), policies[_i].patient);
		loop_set_patient(loop, true);
		loop_set_patient(loop, false);
		ck_assert_int_eq(sched_getscheduler(0), policies[_i].started);
	}
	loop_free(loop);
}
END_TEST

START_TEST(test_forgotten_timer)
{
	loop = loop_new();
	timers[0] = loop_timer_new(loop, mark, one);
	loop_free(loop);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "timers in order", test_timers_in_order, 1, 0 },
		{ "timer moves", test_timer_moves, 1, 0 },
		{ "clock", test_clock, 1, 0 },
		{ "tasks", test_tasks, 1, 0 },
		{ "cancel", test_cancel, 1, 0 },
		{ "greedy task", test_greedy_task, 1, 0 },
		{ "watch", test_watch, 1, 0 },
		{ "signal", test_signal, 1, 0 },
		{ "stopped early", test_stopped_early, 1, 0 },
		{ "patient", test_patient, UNIT_ROWS(policies), 0 },
		{ "forgotten timer", test_forgotten_timer, 1, SIGABRT },
	};

	return unit_main("net/loop", cases, UNIT_ROWS(cases));
}
