#include "base/option.h"

#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static bool refuse(const char **why, const char *complaint)
{
	*why = complaint;
	return false;
}

static void *member(const struct option_row *row, void *base)
{
	return (char *)base + row->offset;
}

static const void *const_member(const struct option_row *row, const void *base)
{
	return (const char *)base + row->offset;
}

/* A value may reach the wire or a log line, so no control may hide in it; a list may be written over
 * several lines. */
static bool is_clean(struct text value, bool list)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		bool line_end = c == '\n' || c == '\r';

		if (c == 0x7f || (c < ' ' && c != '\t' && !(list && line_end)))
			return false;
	}
	return true;
}

static bool set_text(const struct option_row *row, void *base, struct text value, const char **why)
{
	bool list = row->kind == OPTION_LIST;
	char **to = member(row, base);

	if (!is_clean(value, list))
		return refuse(why, "holds a control character");
	free(*to);
	*to = mem_strn(value.p, value.n);
	for (char *c = *to; list && *c; c++)
		if (*c == '\n' || *c == '\r' || *c == '\t')
			*c = ' ';
	return true;
}

static bool set_flag(bool *to, struct text value, const char **why)
{
	static const char *const words[][2] = {
		{ "no", "yes" }, { "false", "true" }, { "off", "on" }, { "0", "1" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (int set = 0; set < 2; set++)
			if (text_is_nocase(value, words[i][set])) {
				*to = set;
				return true;
			}
	return refuse(why, "not yes or no");
}

static bool set_choice(const struct option_row *row, int *to, struct text value, const char **why)
{
	for (int i = 0; row->choices[i]; i++)
		if (text_is_nocase(value, row->choices[i])) {
			*to = i;
			return true;
		}
	return refuse(why, "not one of the words allowed here");
}

static bool read_count(struct text value, int64_t *number)
{
	uint64_t read;

	if (!text_number(&value, INT64_MAX, &read) || value.n)
		return false;
	*number = (int64_t)read;
	return true;
}

static bool read_size(struct text value, int64_t *number)
{
	uint64_t read;

	if (!text_size(value, &read) || read > INT64_MAX)
		return false;
	*number = (int64_t)read;
	return true;
}

/* Most durations are in seconds where no unit is given. */
static bool read_duration(struct text value, int64_t unit, int64_t *number)
{
	if (!text_duration(value, number))
		return false;
	if (unit == 0 || !isdigit((unsigned char)value.p[value.n - 1]))
		return true;
	return !__builtin_mul_overflow(*number, unit / 1000, number);
}

static bool set_number(const struct option_row *row, int64_t *to, struct text value, const char **why)
{
	int64_t number;

	if (row->kind == OPTION_COUNT && !read_count(value, &number))
		return refuse(why, "not a number");
	if (row->kind == OPTION_SIZE && !read_size(value, &number))
		return refuse(why, "not a size (a number, or one with K M G T)");
	if (row->kind == OPTION_DURATION && !read_duration(value, row->unit, &number))
		return refuse(why, "not a time (use ms s m h d w)");
	if (number < row->min)
		return refuse(why, "less than the least value allowed");
	if (row->max && number > row->max)
		return refuse(why, "more than the greatest value allowed");
	*to = number;
	return true;
}

bool option_set(const struct option_row *row, void *base, const char *text, const char **why)
{
	struct text value = text_trim(text_of(text));

	switch (row->kind) {
	case OPTION_TEXT:
	case OPTION_LIST:
		return set_text(row, base, value, why);
	case OPTION_FLAG:
		return set_flag(member(row, base), value, why);
	case OPTION_CHOICE:
		return set_choice(row, member(row, base), value, why);
	case OPTION_COUNT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		return set_number(row, member(row, base), value, why);
	}
	assert(!"an option of no kind");
	return false;
}

static void print_number(enum option_kind kind, int64_t number, struct buf *out)
{
	if (kind == OPTION_DURATION)
		text_duration_print(number, out);
	else
		buf_fmt(out, "%lld", (long long)number);
}

static void print_bounds(const struct option_row *row, struct buf *out)
{
	buf_str(out, row->max ? " (from " : " (at least ");
	print_number(row->kind, row->min, out);
	if (row->max) {
		buf_str(out, " to ");
		print_number(row->kind, row->max, out);
	}
	buf_str(out, ")");
}

static void print_choices(const struct option_row *row, struct buf *out)
{
	for (int i = 0; row->choices[i]; i++)
		buf_fmt(out, "%s%s", i ? ", " : ": ", *row->choices[i] ? row->choices[i] : "''");
}

void option_explain(const struct option_row *row, const char *complaint, struct buf *out)
{
	buf_str(out, complaint);
	if (row->kind == OPTION_CHOICE)
		print_choices(row, out);
	else if (row->min || row->max)
		print_bounds(row, out);
}

void option_print(const struct option_row *row, const void *base, struct buf *out)
{
	const void *from = const_member(row, base);

	switch (row->kind) {
	case OPTION_TEXT:
	case OPTION_LIST:
		buf_str(out, *(char *const *)from);
		break;
	case OPTION_FLAG:
		buf_str(out, *(const bool *)from ? "yes" : "no");
		break;
	case OPTION_CHOICE:
		buf_str(out, row->choices[*(const int *)from]);
		break;
	case OPTION_COUNT:
	case OPTION_SIZE:
	case OPTION_DURATION:
		print_number(row->kind, *(const int64_t *)from, out);
		break;
	}
}

void option_release(const struct option_row *rows, size_t count, void *base)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].kind == OPTION_TEXT || rows[i].kind == OPTION_LIST) {
			char **text = member(&rows[i], base);

			free(*text);
			*text = NULL;
		}
}
