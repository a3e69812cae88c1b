/* causeway.conf(5) against the option tables: every option with its default, and no option that does not
 * exist. */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "settings/settings.h"
#include "settings/settings_rows.h"

static char *page;

static char *read_page(void)
{
	char *path = unit_source("doc/man/causeway.conf.5"), *text = unit_read(path);

	free(path);
	return text;
}

/* A line of the page without the marks of mdoc; free() it. */
static char *plain(const char *at)
{
	char *line = mem_strn(at, strcspn(at, "\n")), *to = line;

	for (const char *from = line; *from; from++) {
		if (strncmp(from, "\\&", 2) == 0 || strncmp(from, "\\:", 2) == 0 || strncmp(from, "\\(", 2) == 0)
			from += from[1] == '(' ? 3 : 1;
		else if (*from != '"')
			*to++ = *from;
	}
	*to = '\0';
	return line;
}

/* What stands below an item's line, macros taken away, in one line; free() it. */
static char *explanation(const char *item)
{
	struct text rest = text_of(strchr(item, '\n') + 1), line;
	struct buf out;

	buf_init(&out, 65536);
	while (text_until(&rest, '\n', &line) && !text_starts_nocase(line, ".It")
		&& !text_starts_nocase(line, ".El")) {
		char *words = plain(line.n > 4 && line.p[0] == '.' ? line.p + 4 : line.p);

		buf_fmt(&out, "%s ", words);
		free(words);
	}
	return buf_take(&out);
}

static bool begins_with_help(const char *item, const char *help)
{
	char *text = explanation(item), *words = plain(help);
	bool good = strncasecmp(text, words, strlen(words)) == 0;

	free(text);
	free(words);
	return good;
}

/* Whether some item of that name shows that default, and its text begins with the row's line of help;
 * sections may have options of one name. */
static bool is_explained(const char *name, const char *initial, const char *help)
{
	char *start = mem_fmt("\n.It Cm %s ", name);
	bool found = false;

	for (const char *at = strstr(page, start); at && !found; at = strstr(at + 1, start)) {
		char *line = plain(at + 1);

		found = strstr(line, initial) && begins_with_help(at + 1, help);
		free(line);
	}
	free(start);
	return found;
}

static void check_row(const char *section, const struct option_row *row)
{
	const char *shown = *row->initial ? row->initial : "empty";

	if (strncmp(shown, LOCALSTATEDIR "/spool", strlen(LOCALSTATEDIR "/spool")) == 0)
		shown += strlen(LOCALSTATEDIR);
	else if (strcmp(shown, SYSCONFDIR "/causeway") == 0)
		shown += strlen(SYSCONFDIR);
	else if (strncmp(shown, RUNSTATEDIR "/causeway", strlen(RUNSTATEDIR "/causeway")) == 0)
		shown += strlen(RUNSTATEDIR);
	ck_assert_msg(is_explained(row->name, shown, row->help),
		"%s %s with its default %s and \"%s\" is not in the page", section, row->name, shown, row->help);
}

START_TEST(test_settings)
{
	for (size_t i = 0; i < settings_section_count; i++)
		for (size_t row = 0; row < settings_sections[i].count; row++)
			check_row(settings_sections[i].name, &settings_sections[i].rows[row]);
	for (size_t row = 0; row < settings_transport_section.count; row++)
		check_row("transport", &settings_transport_section.rows[row]);
	for (size_t row = 0; row < settings_pickup_section.count; row++)
		check_row("pickup", &settings_pickup_section.rows[row]);
}
END_TEST

START_TEST(test_others)
{
	for (size_t row = 0; row < settings_other_count; row++)
		if (!(settings_other_rows[row].use & ROWS_READ_ONLY))
			check_row("", &settings_other_rows[row]);
}
END_TEST

START_TEST(test_manner)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);

	for (size_t row = 0; row < count; row++)
		check_row("smtp or lmtp", &rows[row]);
}
END_TEST

static bool exists(const char *name)
{
	static const char *const sections[] = {
		"", "queue.", "resolver.", "log.", "events.", "control.", "smtp.", "lmtp.", "transport.lmtp.",
		"pickup./x.",
	};
	struct settings *s = settings_new();
	const char *why;
	bool found = false;

	settings_set(s, "pickup./x.format", "auto", &why);
	for (size_t i = 0; i < UNIT_ROWS(sections) && !found; i++) {
		char *path = mem_fmt("%s%s", sections[i], name);

		found = settings_row(s, path);
		free(path);
	}
	settings_free(s);
	return found;
}

START_TEST(test_no_more_than_there_are)
{
	struct text all = text_of(page), line;
	size_t items = 0;

	while (text_until(&all, '\n', &line)) {
		struct text name;
		char *copy;

		if (!text_starts_nocase(line, ".It Cm "))
			continue;
		line = text_make(line.p + 7, line.n - 7);
		text_word(&line, &name);
		copy = mem_strn(name.p, name.n);
		ck_assert_msg(exists(copy), "the page explains %s, which does not exist", copy);
		free(copy);
		items++;
	}
	ck_assert_uint_gt(items, 200);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "settings", test_settings, 1, 0 },
		{ "others", test_others, 1, 0 },
		{ "smtp and lmtp", test_manner, 1, 0 },
		{ "no more than there are", test_no_more_than_there_are, 1, 0 },
	};
	int failed;

	page = read_page();
	failed = unit_main("daemon/manual", cases, UNIT_ROWS(cases));
	free(page);
	return failed;
}
