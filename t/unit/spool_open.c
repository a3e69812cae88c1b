/* Opening a spool: who holds it, what version it is of. */
#include "spool_world.h"

static const struct spool_events no_events;

static char *open_error(struct world *w, int *code)
{
	char *why = NULL;

	w->loop = loop_new();
	ck_assert_ptr_null(spool_open(w->loop, &w->setup, &no_events, w, &why, code));
	loop_free(w->loop);
	ck_assert_ptr_nonnull(why);
	return why;
}

START_TEST(test_lock_names_holder)
{
	struct world *w = world_new();
	struct loop *loop;
	char *why, pid[32];
	int code;

	world_open(w);
	loop = w->loop;
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	why = open_error(w, &code);
	ck_assert_int_eq(code, 75);
	ck_assert_ptr_nonnull(strstr(why, pid));
	free(why);
	w->loop = loop;
	world_free(w);
}
END_TEST

START_TEST(test_unknown_format)
{
	struct world *w = world_new();
	char *why;
	int code;

	world_open(w);
	world_close(w);
	world_write(w, "queue/format", "causeway queue 2\n", 17);
	why = open_error(w, &code);
	ck_assert_int_eq(code, 78);
	ck_assert_ptr_nonnull(strstr(why, "queue/format"));
	free(why);
	world_free(w);
}
END_TEST

START_TEST(test_no_spool_directory)
{
	struct world *w = world_new();
	char *why;
	int code;

	w->setup.directory = "/nonexistent/spool";
	why = open_error(w, &code);
	ck_assert_int_eq(code, 78);
	ck_assert_ptr_nonnull(strstr(why, "/nonexistent/spool"));
	free(why);
	w->setup.directory = w->dir;
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "lock names its holder", test_lock_names_holder, 1, 0 },
		{ "unknown format", test_unknown_format, 1, 0 },
		{ "no spool directory", test_no_spool_directory, 1, 0 },
	};

	return unit_main("spool/open", cases, UNIT_ROWS(cases));
}
