#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tool/ctl_history.h"
#include "tool/ctl_print.h"
#include "tool/ctl_units.h"

enum { ADDRESS_COLUMN = 24, ADDRESS_COLUMN_MAX = 40, DESTINATION_COLUMN_MAX = 50 };

static int64_t seconds(const json_t *message, const char *name)
{
	return ctl_number(message, name) / 1000;
}

/* Whether something is still to be done for the recipient. */
static bool is_open(const json_t *rcpt)
{
	const char *state = ctl_text(rcpt, "state");

	return strcmp(state, "sent") != 0 && strcmp(state, "bounced") != 0 && strcmp(state, "done") != 0;
}

/* --- a line ----------------------------------------------------------------------------------- */

/* When it is tried next, seen from now. */
static const char *next_try(const json_t *message, int64_t now, char out[CTL_UNIT_SIZE])
{
	int64_t left = seconds(message, "next") - now;
	char age[CTL_UNIT_SIZE];

	if (!json_is_integer(json_object_get(message, "next")))
		return "-";
	if (left <= 0)
		return "now";
	snprintf(out, CTL_UNIT_SIZE, "in %.20s", ctl_age(left, age));
	return out;
}

/* The first recipient who waits and how many more do. */
static void put_recipients(FILE *out, const json_t *message)
{
	const json_t *rcpt;
	const char *first = "-";
	size_t i, waiting = 0;
	char *shown;

	json_array_foreach(json_object_get(message, "recipients"), i, rcpt)
		if (is_open(rcpt) && waiting++ == 0)
			first = ctl_text(rcpt, "address");
	shown = waiting > 1 ? mem_fmt("%s (+%zu)", first, waiting - 1) : mem_str(first);
	ctl_put(out, shown, ADDRESS_COLUMN);
	free(shown);
}

void ctl_print_heading(FILE *out)
{
	fprintf(out, "%-11s %-8s %-6s %-9s %5s %5s  %-*s  %-*s  %s\n", "ID", "STATE", "AGE", "NEXT TRY",
		"TRIES", "SIZE", ADDRESS_COLUMN, "FROM", ADDRESS_COLUMN, "WAITING", "REASON");
}

void ctl_print_line(FILE *out, const json_t *message, int64_t now)
{
	const char *sender = ctl_text(message, "sender");
	char age[CTL_UNIT_SIZE], next[CTL_UNIT_SIZE], size[CTL_UNIT_SIZE];

	ctl_put(out, ctl_text(message, "id"), 11);
	fputc(' ', out);
	ctl_put(out, ctl_text(message, "state"), 8);
	fprintf(out, " %-6s %-9s %5lld %5s  ", ctl_age(now - seconds(message, "arrived"), age),
		next_try(message, now, next), (long long)ctl_number(message, "attempts"),
		ctl_size(ctl_number(message, "size"), size));
	ctl_put(out, *sender ? sender : "<>", ADDRESS_COLUMN);
	fputs("  ", out);
	put_recipients(out, message);
	fputs("  ", out);
	ctl_put(out, ctl_text(message, "reason"), 0);
	fputc('\n', out);
}

/* --- all about one ---------------------------------------------------------------------------- */

static void print_state(FILE *out, const json_t *message, int64_t now)
{
	int64_t attempts = ctl_number(message, "attempts");
	char next[CTL_UNIT_SIZE], at[CTL_UNIT_SIZE];

	fputs("state     ", out);
	ctl_put(out, ctl_text(message, "state"), 0);
	fprintf(out, " after %lld attempt%s", (long long)attempts, text_plural((uint64_t)attempts));
	if (json_is_integer(json_object_get(message, "next")))
		fprintf(out, "; next try %s (%s)", next_try(message, now, next),
			ctl_time(seconds(message, "next"), at));
	fputc('\n', out);
}

static void print_envelope(FILE *out, const json_t *message, int64_t now)
{
	char age[CTL_UNIT_SIZE], at[CTL_UNIT_SIZE];
	const char *reason = ctl_text(message, "reason");
	int64_t size = ctl_number(message, "size");

	fputs("message   ", out);
	ctl_put(out, ctl_text(message, "id"), 0);
	fprintf(out, ", %lld byte%s\n", (long long)size, text_plural((uint64_t)size));
	fprintf(out, "arrived   %s, %s ago\n", ctl_time(seconds(message, "arrived"), at),
		ctl_age(now - seconds(message, "arrived"), age));
	fputs("from      <", out);
	ctl_put(out, ctl_text(message, "sender"), 0);
	fputs(">\n", out);
	if (*ctl_text(message, "tls_wanted"))
		fprintf(out, "asks for  %s\n", ctl_text(message, "tls_wanted"));
	print_state(out, message, now);
	if (!*reason)
		return;
	fputs("reason    ", out);
	ctl_put(out, reason, 0);
	fputc('\n', out);
}

/* The longest text of that name among the recipients, up to max. */
static int column(const json_t *rcpts, const char *name, int max)
{
	const json_t *rcpt;
	int width = 0;
	size_t i;

	json_array_foreach(rcpts, i, rcpt)
		if ((int)strnlen(ctl_text(rcpt, name), (size_t)max) > width)
			width = (int)strnlen(ctl_text(rcpt, name), (size_t)max);
	return width;
}

/* The last that is known: from the attempt at hand, or from the journal. */
static void print_outcome(FILE *out, const json_t *rcpt, const struct journal_line *last)
{
	bool told = *ctl_text(rcpt, "text") || last->kind != JOURNAL_RESULT;
	char *dsn = told ? mem_str(ctl_text(rcpt, "dsn")) : journal_line_decode(last->dsn);
	char *text = told ? mem_str(ctl_text(rcpt, "text")) : journal_line_decode(last->text);

	ctl_put(out, dsn, 5);
	fputs("  ", out);
	ctl_put(out, text, 0);
	fputc('\n', out);
	free(dsn);
	free(text);
}

static void print_recipients(FILE *out, const json_t *rcpts, const struct journal_line *last)
{
	int address = column(rcpts, "address", ADDRESS_COLUMN_MAX);
	int destination = column(rcpts, "destination", DESTINATION_COLUMN_MAX);
	const json_t *rcpt;
	size_t i;

	fputs("\nrecipients\n", out);
	json_array_foreach(rcpts, i, rcpt) {
		const char *state = ctl_text(rcpt, "state");

		if (strcmp(state, "done") == 0 && last[i].kind == JOURNAL_RESULT)
			state = ctl_history_state(last[i].status);
		fputs("  ", out);
		ctl_put(out, ctl_text(rcpt, "address"), address);
		fputs("  ", out);
		ctl_put(out, state, 8);
		fputs("  ", out);
		ctl_put(out, ctl_text(rcpt, "destination"), destination);
		fputs("  ", out);
		print_outcome(out, rcpt, &last[i]);
	}
}

/* Its lines as they are, each cleaned. */
static void print_content(FILE *out, const char *content)
{
	struct text rest = text_of(content), line;

	fputs("\ncontent\n", out);
	while (rest.n) {
		char *copy;

		if (!text_until(&rest, '\n', &line)) {
			line = rest;
			rest.n = 0;
		}
		copy = mem_strn(line.p, line.n);
		fputs("  ", out);
		ctl_put(out, copy, 0);
		fputc('\n', out);
		free(copy);
	}
}

void ctl_print_message(FILE *out, const json_t *message, int64_t now)
{
	const char *content = json_string_value(json_object_get(message, "content"));
	const json_t *rcpts = json_object_get(message, "recipients");
	const json_t *history = json_object_get(message, "history");
	size_t count = json_array_size(rcpts);
	struct journal_line *last = mem_alloc(count * sizeof(*last));

	ctl_history_results(history, last, count);
	print_envelope(out, message, now);
	print_recipients(out, rcpts, last);
	free(last);
	if (json_array_size(history))
		fputs("\nhistory\n", out);
	ctl_print_history(out, history, rcpts);
	if (content)
		print_content(out, content);
}
