/* The settings as text: listings under Postfix names, and the lines that carry them to the child
 * processes. */
#include "settings/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "settings/settings_place.h"

enum {
	NAME_MAX_BYTES = 4096 + 128,
	VALUE_MAX = 1 << 20,
};

struct search {
	struct settings_visit visit;
	const char *name;
	struct buf path;
};

static bool search_step(struct settings_visit *v, const struct settings_place *p)
{
	struct search *search = (struct search *)v;
	struct buf name;
	bool found;

	buf_init(&name, NAME_MAX_BYTES);
	settings_print_name(p, &name);
	found = strcmp(buf_text(&name), search->name) == 0;
	buf_free(&name);
	if (found)
		settings_print_path(p, &search->path);
	return !found;
}

char *settings_path(const struct settings *s, const char *postfix_name)
{
	struct search search = { .visit.each = search_step, .name = postfix_name };

	buf_init(&search.path, NAME_MAX_BYTES);
	return settings_walk(s, &search.visit) ? NULL : buf_take(&search.path);
}

struct show {
	struct settings_visit visit;
	const char *only;
	void (*show)(void *arg, const char *name, const char *value);
	void *arg;
	size_t count;
};

static bool show_step(struct settings_visit *v, const struct settings_place *p)
{
	struct show *show = (struct show *)v;
	struct buf name, value;

	buf_init(&name, NAME_MAX_BYTES);
	buf_init(&value, VALUE_MAX);
	settings_print_name(p, &name);
	if (!show->only || strcmp(buf_text(&name), show->only) == 0) {
		option_print(p->row, p->base, &value);
		show->show(show->arg, buf_text(&name), buf_text(&value));
		show->count++;
	}
	buf_free(&name);
	buf_free(&value);
	return true;
}

size_t settings_each(const struct settings *s, const char *only,
	void (*show)(void *arg, const char *name, const char *value), void *arg)
{
	struct show all = { .visit.each = show_step, .only = only, .show = show, .arg = arg };

	settings_walk(s, &all.visit);
	return all.count;
}

/* --- to the child processes --- */

struct print {
	struct settings_visit visit;
	struct buf *out;
};

static void escape(const char *value, struct buf *out)
{
	for (; *value; value++) {
		if (*value == '\n')
			buf_str(out, "\\n");
		else if (*value == '\\')
			buf_str(out, "\\\\");
		else
			buf_char(out, *value);
	}
}

static bool print_step(struct settings_visit *v, const struct settings_place *p)
{
	struct print *print = (struct print *)v;
	struct buf value;

	buf_init(&value, VALUE_MAX);
	option_print(p->row, p->base, &value);
	settings_print_path(p, print->out);
	buf_char(print->out, '\t');
	escape(buf_text(&value), print->out);
	buf_free(&value);
	return buf_char(print->out, '\n');
}

bool settings_print(const struct settings *s, struct buf *out)
{
	struct print print = { .visit.each = print_step, .out = out };

	return settings_walk(s, &print.visit);
}

static char *unescape(struct text value)
{
	char *out = mem_alloc(value.n + 1), *to = out;

	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\\' && i + 1 < value.n)
			*to++ = value.p[++i] == 'n' ? '\n' : value.p[i];
		else
			*to++ = value.p[i];
	}
	return out;
}

static bool read_line(struct settings *s, struct text line, const char **why)
{
	struct text path;
	char *name, *value;
	bool done;

	if (!text_until(&line, '\t', &path)) {
		*why = "a line without a tab";
		return false;
	}
	name = mem_strn(path.p, path.n);
	value = unescape(line);
	done = settings_set(s, name, value, why);
	free(name);
	free(value);
	return done;
}

struct settings *settings_read(const char *bytes, size_t n, const char **why)
{
	struct settings *s = settings_new();
	struct text all = text_make(bytes, n), line;

	while (text_until(&all, '\n', &line)) {
		if (!read_line(s, line, why)) {
			settings_free(s);
			return NULL;
		}
	}
	if (all.n == 0)
		return s;
	settings_free(s);
	*why = "the last line is not complete";
	return NULL;
}
