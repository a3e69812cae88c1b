/* doc/parameters.tsv: every parameter of smtp(8) is known here under its name, is shown with what it was set
 * to, and says so if it is obsolete. */
#include "unit.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/config/config.h"

/* A transport that is declared, in place of the word that stands for any. */
#define ANY "transport"
#define TRANSPORT "slow"

struct parameter {
	char *name;
	struct text state;
};

static char *list;
static struct parameter *parameters;
static size_t parameter_count;

static char *read_list(void)
{
	const char *srcdir = getenv("srcdir");
	char *path = mem_fmt("%s/doc/parameters.tsv", srcdir ? srcdir : "."), block[4096];
	FILE *file = fopen(path, "r");
	struct buf out;
	size_t n;

	buf_init(&out, 1 << 20);
	while (file && (n = fread(block, 1, sizeof block, file)) > 0)
		buf_add(&out, block, n);
	if (file)
		fclose(file);
	free(path);
	return buf_take(&out);
}

static void take_parameters(void)
{
	struct text all = text_of(list), line, name, state;

	while (text_until(&all, '\n', &line)) {
		bool titled = text_starts_nocase(line, ANY "_");

		if (line.n == 0 || *line.p == '#' || !text_until(&line, '\t', &name))
			continue;
		if (titled)
			name = text_make(name.p + strlen(ANY), name.n - strlen(ANY));
		if (!text_until(&line, '\t', &state))
			state = line;   /* nothing is said of why */
		parameters = mem_grow(parameters, parameter_count + 1, sizeof *parameters);
		parameters[parameter_count++] = (struct parameter){
			mem_fmt("%s%.*s", titled ? TRANSPORT : "", (int)name.n, name.p), state,
		};
	}
}

static void remember(void *arg, const char *name, const char *value)
{
	(void)name;
	snprintf(arg, 4096, "%s", value);
}

static struct settings *read_with(const char *text, struct buf *warnings)
{
	char path[] = "/tmp/cw-parameters-XXXXXX", *why = NULL;
	const char *overrides[] = { "user=root", "myhostname=a.test" };
	struct config_source source = { .file = path, .overrides = overrides, .override_count = 2 };
	FILE *file = fdopen(mkstemp(path), "w");
	struct settings *s;

	fputs("transport " TRANSPORT " { protocol = lmtp }\n", file);
	fputs(text, file);
	fclose(file);
	s = config_read(&source, warnings, &why);
	unlink(path);
	ck_assert_msg(s, "%s%s", text, why);
	return s;
}

static const char *known_states[] = {
	"now", "obsolete", "read-only", "none", "TLS", "SASL", "SMTP", "content", "notices", "probes",
};

START_TEST(test_known)
{
	const struct parameter *p = &parameters[_i];
	struct settings *s = settings_new();
	const char *why;
	bool state = false;
	char *path;

	for (size_t i = 0; i < UNIT_ROWS(known_states); i++)
		state = state || text_is(p->state, known_states[i]);
	ck_assert_msg(state, "%s: no state %.*s", p->name, (int)p->state.n, p->state.p);
	ck_assert(settings_set(s, "transport." TRANSPORT ".protocol", "lmtp", &why));
	path = settings_path(s, p->name);
	ck_assert_msg(path, "%s is not known", p->name);
	ck_assert_msg(text_is(p->state, "obsolete") == !!settings_successor(s, path), "%s: obsolete or not?",
		p->name);
	ck_assert_int_eq(text_is(p->state, "read-only"), settings_is_read_only(s, path));
	free(path);
	settings_free(s);
}
END_TEST

/* Its own default is accepted in writing and shown; only what is obsolete has something to say. */
START_TEST(test_written)
{
	const struct parameter *p = &parameters[_i];
	char value[4096], shown[4096], *text, *path;
	struct settings *s;
	struct buf warnings;

	if (text_is(p->state, "read-only"))
		return;
	buf_init(&warnings, 1 << 16);
	s = read_with("", &warnings);
	ck_assert_str_eq(buf_text(&warnings), "");
	ck_assert_uint_eq(settings_each(s, p->name, remember, value), 1);
	settings_free(s);
	if (strcmp(p->name, "smtp_tls_security_level") == 0)
		strcpy(value, "none");   /* the default has a warning of its own */
	text = mem_fmt("%s = '%s'\n", p->name, strchr(value, '$') ? "" : value);
	s = read_with(text, &warnings);
	ck_assert_uint_eq(settings_each(s, p->name, remember, shown), 1);
	ck_assert_str_eq(shown, strchr(value, '$') ? "" : value);
	path = settings_path(s, p->name);
	if (text_is(p->state, "obsolete")) {
		ck_assert_msg(strstr(buf_text(&warnings), settings_successor(s, path)), "%s", buf_text(&warnings));
		ck_assert_ptr_nonnull(strstr(buf_text(&warnings), ":2: "));
		ck_assert_ptr_eq(strchr(buf_text(&warnings), '\n'), warnings.data + warnings.len - 1);
	} else {
		ck_assert_str_eq(buf_text(&warnings), "");
	}
	free(path);
	free(text);
	settings_free(s);
	buf_free(&warnings);
}
END_TEST

int main(void)
{
	int failed;

	list = read_list();
	take_parameters();
	{
		const struct unit_case cases[] = {
			{ "known", test_known, parameter_count, 0 },
			{ "written", test_written, parameter_count, 0 },
		};

		failed = parameter_count > 300 ? unit_main("daemon/parameters", cases, UNIT_ROWS(cases))
			: EXIT_FAILURE;
	}
	for (size_t i = 0; i < parameter_count; i++)
		free(parameters[i].name);
	free(parameters);
	free(list);
	return failed;
}
