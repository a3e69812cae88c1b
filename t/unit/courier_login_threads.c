/* Logins that begin in threads, more of them than there are threads. */
#include "unit.h"

#include "courier/login/login_threads.h"

enum { MANY = 100 };

static struct loop *loop;
static struct login_threads *threads;
static struct login_start *starts[MANY];
static unsigned came, fine_ones, most;

static struct auth *make(void)
{
	return auth_new(&(struct auth_setup){ .service = "smtp", .host = "mx.test", .user = "user",
		.password = "secret",
		.options = "" });
}

static void begun(void *arg, struct auth *a, bool fine)
{
	struct login_start **mine = arg;

	ck_assert_ptr_nonnull(*mine);
	*mine = NULL;
	came++;
	fine_ones += fine;
	if (fine)
		ck_assert_str_eq(auth_response(a), "AHVzZXIAc2VjcmV0");
	else
		ck_assert_str_ne(auth_failure(a), "");
	auth_free(a);
	if (came == most)
		loop_stop(loop);
}

static void start(int n)
{
	starts[n] = login_start(threads, make(), n % 3 ? "PLAIN" : "NOSUCH", begun, &starts[n]);
}

static void begin(void)
{
	loop = loop_new();
	threads = login_threads_new(loop);
}

START_TEST(test_all)
{
	begin();
	most = MANY;
	for (int n = 0; n < MANY; n++)
		start(n);
	ck_assert_uint_eq(came, 0);
	loop_run(loop);
	ck_assert_uint_eq(fine_ones, MANY * 2 / 3);
	ck_assert(login_threads_free(threads));
	loop_free(loop);
}
END_TEST

/* Whether a thread has it already or not. */
START_TEST(test_forgotten)
{
	begin();
	most = MANY / 2;
	for (int n = 0; n < MANY; n++)
		start(n);
	for (int n = 0; n < MANY; n += 2) {
		login_start_forget(starts[n]);
		starts[n] = NULL;
	}
	login_start_forget(NULL);
	loop_run(loop);
	login_threads_free(threads);
	loop_free(loop);
	ck_assert_uint_eq(came, MANY / 2);
}
END_TEST

/* Nobody hears of anything any more, and what is at work tidies up behind itself. */
START_TEST(test_abandoned)
{
	for (int round = 0; round < 20; round++) {
		begin();
		for (int n = 0; n < MANY; n++)
			start(n);
		login_threads_free(threads);
		loop_free(loop);
	}
	ck_assert_uint_eq(came, 0);
	ck_assert(login_threads_free(NULL));
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "all begin", test_all, 1, 0 },
		{ "forgotten", test_forgotten, 1, 0 },
		{ "abandoned", test_abandoned, 1, 0 },
	};
	char *why;

	if (!auth_library_open(&why)) {
		printf("%s\n", why);
		return EXIT_FAILURE;
	}
	return unit_main("courier/login_threads", cases, UNIT_ROWS(cases));
}
