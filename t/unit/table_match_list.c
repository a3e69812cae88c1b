/* Match lists: words, networks, tables, files of these, exceptions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/match_list.h"
#include "table_files.h"
#include "unit.h"

static const struct {
	const char *list, *key;
	enum match_reach reach;
	bool has;
} matches[] = {
	{ "", "a", MATCH_ITSELF, false }, { "a", "a", MATCH_ITSELF, true }, { "A", "a", MATCH_ITSELF, true },
	{ "a, b\n\tc", "c", MATCH_ITSELF, true }, { "ab", "a", MATCH_ITSELF, false },
	/* the first that matches decides, and what no element matches is not meant */
	{ "!a", "a", MATCH_ITSELF, false }, { "!a", "b", MATCH_ITSELF, false },
	{ "!a, static:all", "b", MATCH_ITSELF, true },
	{ "!a, static:all", "a", MATCH_ITSELF, false }, { "a, !a", "a", MATCH_ITSELF, true },
	{ "!!a", "a", MATCH_ITSELF, true }, { "!inline:{a=1}, static:all", "a", MATCH_ITSELF, false },
	/* how far a word reaches */
	{ ".a.test", "b.a.test", MATCH_ITSELF, false }, { ".a.test", "b.a.test", MATCH_DOTTED, true },
	{ "a.test", "b.a.test", MATCH_DOTTED, false }, { "a.test", "b.a.test", MATCH_BELOW, true },
	{ "a.test", "ba.test", MATCH_BELOW, false }, { ".a.test", "a.test", MATCH_DOTTED, false },
	{ ".A.test", "b.a.TEST", MATCH_DOTTED, true }, { "a.test", "c.b.a.test", MATCH_BELOW, true },
	{ "inline:{a.test=1}", "b.a.test", MATCH_BELOW, true },
	{ "inline:{a.test=1}", "b.a.test", MATCH_DOTTED, false },
	{ "inline:{.a.test=1}", "b.a.test", MATCH_DOTTED, true },
	{ "inline:{.a.test=1}", "b.a.test", MATCH_ITSELF, false },
	{ "regexp:{{/^a.test$/ x}}", "b.a.test", MATCH_BELOW, false },
	/* addresses and networks */
	{ "192.0.2.1", "192.0.2.1", MATCH_ITSELF, true }, { "192.0.2.0/24", "192.0.2.9", MATCH_ITSELF, true },
	{ "192.0.2.0/24", "192.0.3.9", MATCH_ITSELF, false },
	{ "2001:db8::1", "2001:db8::1", MATCH_ITSELF, true },
	{ "fd00::/8", "fd00::5", MATCH_ITSELF, true }, { "[2001:db8::]/32", "2001:db8::5", MATCH_ITSELF, true },
	{ "!192.0.2.1, 192.0.2.0/24", "192.0.2.1", MATCH_ITSELF, false },
	{ "!192.0.2.1, 192.0.2.0/24", "192.0.2.2", MATCH_ITSELF, true },
};

START_TEST(test_matches)
{
	const char *error = "unset";
	char *why = NULL;
	struct match_list *l = match_list_open(matches[_i].list, MATCH_FILES, &why);

	ck_assert_msg(l, "%s: %s", matches[_i].list, why);
	ck_assert_int_eq(match_list_has(l, matches[_i].key, matches[_i].reach, &error), matches[_i].has);
	ck_assert_ptr_null(error);
	ck_assert_int_eq(match_list_empty(l), !*matches[_i].list);
	match_list_free(l);
}
END_TEST

static const struct {
	const char *text, *key;
	bool in, in_excepted;     /* of the list "FILE", and of "!FILE, static:all" */
} files[] = {
	{ "a\n", "a", true, false },
	{ "a b,\n c\n# d\n", "c", true, false },
	{ "a\n# d\n", "d", false, true },
	{ "!a\nb\n", "a", false, true },
	{ "192.0.2.0/24\n", "192.0.2.1", true, false },
	{ "inline:{a=1}\n", "a", true, false },
};

static bool has(const char *format, const char *key)
{
	char list[200], *why = NULL;
	const char *error;
	struct match_list *l;
	bool found;

	snprintf(list, sizeof list, format, table_file_path());
	l = match_list_open(list, MATCH_FILES, &why);
	ck_assert_msg(l, "%s: %s", list, why);
	found = match_list_has(l, key, MATCH_ITSELF, &error);
	match_list_free(l);
	return found;
}

START_TEST(test_files)
{
	free(table_file("", files[_i].text, strlen(files[_i].text)));
	ck_assert_int_eq(has("%s", files[_i].key), files[_i].in);
	ck_assert_int_eq(has("!%s, static:all", files[_i].key), files[_i].in_excepted);
	table_file_remove();
}
END_TEST

/* What stands behind a slash may be a socket where sockets are meant. */
START_TEST(test_paths)
{
	char *why = NULL;
	const char *error;
	struct match_list *l = match_list_open("/no/such/socket", MATCH_PATHS, &why);

	ck_assert_ptr_nonnull(l);
	ck_assert(match_list_has(l, "/no/such/socket", MATCH_ITSELF, &error));
	match_list_free(l);
}
END_TEST

static const char *const bad[] = {
	"!", "a !! b", "/no/such/file", "!/no/such/file", "what:x", "192.0.2.1/24", "192.0.2.0/33"
};

START_TEST(test_bad)
{
	char *why = NULL;

	ck_assert_msg(!match_list_open(bad[_i], MATCH_FILES, &why), "%s", bad[_i]);
	ck_assert_ptr_nonnull(why);
	free(why);
}
END_TEST

START_TEST(test_a_file_that_names_itself)
{
	const char *path = table_file_path();
	char *why = NULL;

	free(table_file("", "", 0));
	free(table_file("", path, strlen(path)));
	ck_assert_ptr_null(match_list_open(path, MATCH_FILES, &why));
	ck_assert_ptr_nonnull(strstr(why, "name each other"));
	free(why);
	table_file_remove();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "matches", test_matches, UNIT_ROWS(matches), 0 },
		{ "files", test_files, UNIT_ROWS(files), 0 },
		{ "paths", test_paths, 0, 0 },
		{ "bad", test_bad, UNIT_ROWS(bad), 0 },
		{ "circle", test_a_file_that_names_itself, 0, 0 },
	};

	return unit_main("table/match_list", cases, UNIT_ROWS(cases));
}
