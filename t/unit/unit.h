/*
 * What every unit test's main does. A test file is its tables, its START_TESTs, and
 *
 *	int main(void)
 *	{
 *		const struct unit_case cases[] = {
 *			{ "parses", test_parses, UNIT_ROWS(parses), 0 },
 *			{ "refuses null", test_refuses_null, 1, SIGABRT },
 *		};
 *		return unit_main("format/reply", cases, UNIT_ROWS(cases));
 *	}
 *
 * Each row runs in a process of its own; CK_FORK=no runs all in one, for a debugger, CK_RUN_CASE=NAME one case only.
 */
#ifndef CAUSEWAY_UNIT_H
#define CAUSEWAY_UNIT_H

#include <check.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define UNIT_ROWS(table) (sizeof(table) / sizeof(table)[0])

struct unit_case {
	const char *name;
	const TTest *test; /* the name given to START_TEST; its row number is _i */
	size_t rows;       /* how often to run it, at least once */
	int signal;        /* the signal it must die of, SIGABRT for an assert; 0 for none */
};

/* Runs all cases in order; returns main's exit code after a last line "N passed, N failed". */
static inline int unit_main(const char *suite_name, const struct unit_case *cases, size_t count)
{
	Suite *suite = suite_create(suite_name);
	SRunner *runner = srunner_create(suite);
	int run, failed;

	/* seconds; the library's own 4 are few on a loaded machine */
	setenv("CK_DEFAULT_TIMEOUT", "120", 0);
	for (size_t i = 0; i < count; i++) {
		TCase *tcase = tcase_create(cases[i].name);

		tcase_add_loop_test_raise_signal(tcase, cases[i].test, cases[i].signal, 0, (int)cases[i].rows);
		suite_add_tcase(suite, tcase);
	}
	srunner_run_all(runner, CK_NORMAL);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	printf("%d passed, %d failed\n", run - failed, failed);
	return run == 0 || failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
