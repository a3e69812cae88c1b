/* The queue in the form of Postfix's mailq, for the scripts that read it. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "tool/ctl_print.h"

enum { REASON_COLUMN = 76, TIME_SIZE = 32 };

static void put_columns(FILE *out, const char *id, const char *size, const char *when, const char *address)
{
	fprintf(out, "%-11s %7s %-20s ", id, size, when);
	ctl_put(out, address, 0);
	fputc('\n', out);
}

void ctl_print_mailq_heading(FILE *out)
{
	fputs("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n", out);
}

/* A reason stands above those whom it concerns, at the right. */
static void put_reason(FILE *out, const char *reason)
{
	int width = (int)strnlen(reason, REASON_COLUMN);

	fprintf(out, "%*s(", REASON_COLUMN - width, "");
	ctl_put(out, reason, 0);
	fputs(")\n", out);
}

static bool waits(const json_t *rcpt)
{
	const char *state = ctl_text(rcpt, "state");

	return strcmp(state, "sent") != 0 && strcmp(state, "bounced") != 0 && strcmp(state, "done") != 0;
}

static void put_recipients(FILE *out, const json_t *message)
{
	const char *before = "";
	const json_t *rcpt;
	size_t i;

	json_array_foreach(json_object_get(message, "recipients"), i, rcpt) {
		const char *own = ctl_text(rcpt, "text");
		const char *reason = *own ? own : ctl_text(message, "reason");

		if (!waits(rcpt))
			continue;
		if (*reason && strcmp(reason, before) != 0)
			put_reason(out, reason);
		before = reason;
		put_columns(out, "", "", "", ctl_text(rcpt, "address"));
	}
}

void ctl_print_mailq(FILE *out, const json_t *message)
{
	const char *state = ctl_text(message, "state"), *sender = ctl_text(message, "sender");
	const char *mark = strcmp(state, "active") == 0 ? "*" : strcmp(state, "held") == 0 ? "!" : "";
	time_t arrived = (time_t)(ctl_number(message, "arrived") / 1000);
	char *id = mem_fmt("%.20s%s", ctl_text(message, "id"), mark);
	char *size = mem_fmt("%lld", (long long)ctl_number(message, "size"));
	char when[TIME_SIZE] = "";
	struct tm tm;

	if (localtime_r(&arrived, &tm))
		strftime(when, sizeof(when), "%a %b %e %H:%M:%S", &tm);
	put_columns(out, id, size, when, *sender ? sender : "MAILER-DAEMON");
	put_recipients(out, message);
	fputc('\n', out);
	free(id);
	free(size);
}

void ctl_print_mailq_end(FILE *out, uint64_t messages, uint64_t bytes)
{
	if (messages == 0)
		fputs("Mail queue is empty\n", out);
	else
		fprintf(out, "-- %llu Kbytes in %llu Request%s.\n", (unsigned long long)(bytes / 1024),
			(unsigned long long)messages, text_plural(messages));
}
