#include "tool/ctl_history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/journal/queue_id.h"
#include "tool/ctl_print.h"
#include "tool/ctl_units.h"

static bool read_line(const json_t *line, struct journal_line *out)
{
	const char *text = json_string_value(line);

	return text && journal_line_parse(text_of(text), out);
}

void ctl_history_results(const json_t *history, struct journal_line *last, size_t count)
{
	struct journal_line line;
	const json_t *text;
	size_t i;

	memset(last, 0, count * sizeof(*last));
	json_array_foreach(history, i, text)
		if (read_line(text, &line) && line.kind == JOURNAL_RESULT && line.rcpt < count)
			last[line.rcpt] = line;
}

const char *ctl_history_state(char status)
{
	switch (status) {
	case 's':
		return "sent";
	case 'b':
		return "bounced";
	case 'd':
		return "deferred";
	case 'h':
		return "handed back";
	case 'e':
		return "expired";
	default:
		return "done";
	}
}

static void put_value(FILE *out, struct text value)
{
	char *text = journal_line_decode(value);

	ctl_put(out, text, 0);
	free(text);
}

static void put_result(FILE *out, const struct journal_line *line, const json_t *recipients)
{
	const char *address = ctl_text(json_array_get(recipients, line->rcpt), "address");

	ctl_put(out, address, 0);
	fprintf(out, " %s ", ctl_history_state(line->status));
	put_value(out, line->dsn);
	fputs(": ", out);
	put_value(out, line->text);
}

static void put_in(FILE *out, const struct journal_line *line)
{
	fprintf(out, "taken in from user id %" PRIu64 ", %" PRIu64 " recipient%s", line->uid, line->count,
		text_plural(line->count));
}

static void put_next(FILE *out, const struct journal_line *line)
{
	char at[CTL_UNIT_SIZE];

	fprintf(out, "attempt %" PRIu64 " is over; the next one was set for %s", line->count,
		ctl_time(line->time / 1000, at));
}

/* What happened, without its time; false for kinds that say nothing to a person. */
static bool put_event(FILE *out, const struct journal_line *line, const json_t *recipients)
{
	char id[QUEUE_ID_SIZE];

	switch (line->kind) {
	case JOURNAL_IN:
		put_in(out, line);
		return true;
	case JOURNAL_RESULT:
		put_result(out, line, recipients);
		return true;
	case JOURNAL_NEXT:
		put_next(out, line);
		return true;
	case JOURNAL_HOLD:
		fputs(line->count ? "held" : "released", out);
		return true;
	case JOURNAL_SUSPECT:
		fprintf(out, "couriers that died with it: %" PRIu64, line->count);
		return true;
	case JOURNAL_WARNED:
		fputs("its sender was told that it is late", out);
		return true;
	case JOURNAL_REPORT:
		fprintf(out, "a report was made: %s", queue_id_print(line->id, id));
		return true;
	default:
		return false;
	}
}

void ctl_print_history(FILE *out, const json_t *history, const json_t *recipients)
{
	struct journal_line line;
	char at[CTL_UNIT_SIZE];
	const json_t *text;
	size_t i;

	json_array_foreach(history, i, text) {
		bool known = read_line(text, &line);
		bool dated = known && (line.kind == JOURNAL_IN || line.kind == JOURNAL_RESULT);

		fprintf(out, "  %-19s  ", dated ? ctl_time(line.time / 1000, at) : "");
		if (!known || !put_event(out, &line, recipients))
			ctl_put(out, json_is_string(text) ? json_string_value(text) : "", 0);
		fputc('\n', out);
	}
}
