#include "format/header/own_mail.h"

#include <time.h>

#include "format/content/content.h"

enum { VALUE_MAX = 1000 };

void own_mail_date(int64_t ms, struct buf *out)
{
	time_t seconds = (time_t)(ms / 1000);
	char date[40];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm))
		return;
	buf_str(out, date);
}

/* A value in a line of its own, between before and after. */
static void value(struct buf *out, const char *before, const char *words, const char *after)
{
	struct buf clean;

	buf_init(&clean, 4 * VALUE_MAX);
	text_clean(text_of(words), VALUE_MAX, &clean);
	buf_fmt(out, "%s%s%s\r\n", before, buf_text(&clean), after);
	buf_free(&clean);
}

void own_mail_begin(const struct own_mail *m, struct buf *out)
{
	buf_str(out, "Date: ");
	own_mail_date(m->now, out);
	buf_str(out, "\r\n");
	if (m->obsolete_from)
		value(out, "From: ", m->from, " (Mail Delivery System)");
	else
		value(out, "From: Mail Delivery System <", m->from, ">");
	value(out, "To: <", m->to, ">");
	content_add_folded("Subject: ", " ", text_of(m->subject), out);
	value(out, "Message-ID: <", m->message_id, ">");
	buf_fmt(out, "Auto-Submitted: auto-%s\r\nMIME-Version: 1.0\r\n", m->answer ? "replied" : "generated");
}

/* One paragraph, or one line of a transcript. */
static void add_lines(const char *lines, const char *first, const char *rest, const char *between,
	struct buf *out)
{
	struct text left = text_of(lines), line;

	while (text_until(&left, '\n', &line)) {
		content_add_folded(first, rest, line, out);
		buf_str(out, between);
	}
}

void own_mail_text(const char *paragraphs, const char *transcript, struct buf *out)
{
	buf_str(out, "\r\n");
	add_lines(paragraphs, "", "", "\r\n", out);
	if (transcript)
		add_lines(transcript, " ", "     ", "", out);
	buf_str(out, ".\r\n");
}
