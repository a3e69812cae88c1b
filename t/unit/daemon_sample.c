/* conf/causeway.conf: every line that shows a default, with its # taken away, is read and changes nothing. */
#include "unit.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/config/config.h"

static char *sample_path(void)
{
	return unit_source("conf/causeway.conf");
}

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* An example, of which all lines are explanation. */
static bool is_example(const char *line, bool inside)
{
	return inside ? !begins(line, "# }") : begins(line, "# transport ") || begins(line, "# pickup ");
}

static bool shows_default(const char *line)
{
	return *line == '#' && (islower((unsigned char)line[1]) || line[1] == '}' || line[1] == '\t');
}

static size_t uncomment(FILE *from, FILE *to)
{
	char line[4096];
	bool example = false;
	size_t shown = 0;

	while (fgets(line, sizeof(line), from)) {
		example = is_example(line, example);
		if (!example && shows_default(line)) {
			fputs(line + 1, to);
			shown++;
		}
	}
	return shown;
}

static struct settings *read_file(const char *path, struct buf *warnings)
{
	const char *const overrides[] = { "user=root", "myhostname=a.example" };
	struct config_source source = { .file = path, .overrides = overrides, .override_count = 2 };
	char *why = NULL;
	struct settings *s = config_read(&source, warnings, &why);

	ck_assert_msg(s != NULL, "%s", why);
	return s;
}

static char *printed(const char *path, struct buf *warnings)
{
	struct settings *s = read_file(path, warnings);
	struct buf out;

	/* these defaults depend on the host */
	free(s->resolver_trust_anchor_file);
	s->resolver_trust_anchor_file = mem_str("");
	buf_init(&out, 1 << 24);
	ck_assert(settings_print(s, &out));
	settings_free(s);
	return buf_take(&out);
}

/* The first line in which two prints differ. */
static void check_same(const char *a, const char *b)
{
	struct text left = text_of(a), right = text_of(b), one, other;

	while (text_until(&left, '\n', &one) && text_until(&right, '\n', &other))
		if (one.n != other.n || memcmp(one.p, other.p, one.n) != 0)
			ck_abort_msg("the default is %.*s, the sample shows %.*s", (int)other.n, other.p, (int)one.n,
				one.p);
	ck_assert_uint_eq(left.n, right.n);
}

START_TEST(test_shows_defaults)
{
	char path[] = "/tmp/cw-sample-XXXXXX", empty[] = "/tmp/cw-sample-XXXXXX";
	char *sample = sample_path(), *shown, *defaults;
	FILE *from = fopen(sample, "r"), *to = fdopen(mkstemp(path), "w");
	struct buf warnings;

	ck_assert_ptr_nonnull(from);
	ck_assert_uint_gt(uncomment(from, to), 40);
	fclose(from);
	fclose(to);
	close(mkstemp(empty));
	buf_init(&warnings, 65536);
	shown = printed(path, &warnings);
	ck_assert_str_eq(buf_text(&warnings), "");
	defaults = printed(empty, &warnings);
	check_same(shown, defaults);
	unlink(path);
	unlink(empty);
	free(sample);
	free(shown);
	free(defaults);
	buf_free(&warnings);
}
END_TEST

/* As it is delivered it sets nothing. */
START_TEST(test_sets_nothing)
{
	char *sample = sample_path();
	struct buf warnings;
	struct settings *s;

	buf_init(&warnings, 65536);
	s = read_file(sample, &warnings);
	ck_assert_str_eq(s->mailbox_domains, "");
	ck_assert_str_eq(buf_text(&warnings), "");
	settings_free(s);
	free(sample);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "shows defaults", test_shows_defaults, 1, 0 },
		{ "sets nothing", test_sets_nothing, 1, 0 },
	};

	return unit_main("daemon/sample", cases, UNIT_ROWS(cases));
}
