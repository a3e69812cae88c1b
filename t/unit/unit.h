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
 * Each row runs in a process of its own; CK_FORK=no runs all in one, for a debugger, CK_RUN_CASE=NAME one
 * case only.
 */
#ifndef CAUSEWAY_UNIT_H
#define CAUSEWAY_UNIT_H

#include <check.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* How long something may take that only a fault keeps from happening: machines are slow, and stand still for
 * seconds. */
enum { UNIT_PATIENCE_MS = 100000 };

#define UNIT_ROWS(table) (sizeof(table) / sizeof(table)[0])

struct unit_case {
	const char *name;
	const TTest *test; /* the name given to START_TEST; its row number is _i */
	size_t rows;       /* how often to run it, at least once */
	int signal;        /* the signal it must die of, SIGABRT for an assert; 0 for none */
};

/* A file's text without NULs; free() it. */
static inline char *unit_read(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (!file)
		abort();
	if (getdelim(&text, &room, '\0', file) < 0) {
		free(text);
		text = calloc(1, 1);
	}
	fclose(file);
	return text;
}

/* The path of a file of the source tree; free() it. */
static inline char *unit_source(const char *name)
{
	const char *top = getenv("srcdir");
	char *path;

	if (asprintf(&path, "%s/%s", top ? top : ".", name) < 0)
		abort();
	return path;
}

/* Makes a file of that text in the directory; its path, to free(). */
static inline char *unit_write(const char *directory, const char *name, const char *text)
{
	char *path;
	FILE *file;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		abort();
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
	return path;
}

/* Runs all cases in order; returns main's exit code after a last line "N passed, N failed". */
static inline int unit_main(const char *suite_name, const struct unit_case *cases, size_t count)
{
	Suite *suite = suite_create(suite_name);
	SRunner *runner = srunner_create(suite);
	int run, failed;

	/* seconds; the library's own 4 are few on a loaded machine, and a test waits up to UNIT_PATIENCE_MS for a
	 * thing */
	setenv("CK_DEFAULT_TIMEOUT", "600", 0);
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
