/* What is kept and told of a conversation: the transcript, remarks for the log, the first complaint. */
#include "talk/dialogue_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define SHOWN_MAX 100   /* bytes of a line of a watched conversation that go to the log */

void dialogue_remark_on(struct dialogue *d, const char *format, ...)
{
	size_t before = d->remarks.len;
	va_list arguments;

	va_start(arguments, format);
	if (!buf_vfmt(&d->remarks, format, arguments) || !buf_char(&d->remarks, '\n'))
		d->remarks.len = before;   /* a driver that never asks loses the newest */
	va_end(arguments);
}

char *dialogue_remark(struct dialogue *d)
{
	struct text rest = text_make(d->remarks.data, d->remarks.len), line;
	char *remark;

	if (!text_until(&rest, '\n', &line))
		return NULL;
	remark = mem_strn(line.p, line.n);
	buf_drop(&d->remarks, d->remarks.len - rest.n);
	if (d->remarks.len == 0)
		buf_free(&d->remarks);
	return remark;
}

/* Adds what one side said to the transcript, a prefix on each line; what does not fit is left out. */
static void record(struct dialogue *d, const char *prefix, char sign, struct text lines)
{
	struct text line;

	while (lines.n) {
		if (!text_until(&lines, '\n', &line)) {
			line = lines;
			lines.n = 0;
		}
		if (!d->transcript.over) {
			buf_str(&d->transcript, prefix);
			buf_add(&d->transcript, line.p, line.n);
			buf_char(&d->transcript, '\n');
		}
		if (d->debug)
			dialogue_remark_on(d, "%c %s: %.*s", sign, d->relay, line.n < SHOWN_MAX ? (int)line.n : SHOWN_MAX,
				line.p);
	}
}

void dialogue_record_said(struct dialogue *d, const char *line, size_t n)
{
	record(d, "Out: ", '>', text_make(line, n));
}

void dialogue_record_heard(struct dialogue *d, const struct reply *r)
{
	record(d, "In:  ", '<', text_of(r->text));
}

const char *dialogue_transcript(const struct dialogue *d)
{
	return buf_text(&d->transcript);
}

void dialogue_complain(struct dialogue *d, const char *what, const struct reply *r)
{
	struct buf line;

	if (d->complaint)
		return;
	buf_init(&line, REPLY_TEXT_MAX + 1024);
	buf_fmt(&line, "%s: %s", d->host, what);
	if (r) {
		buf_str(&line, ": ");
		reply_one_line(r, &line);
	}
	d->complaint = buf_take(&line);
}

const char *dialogue_complaint(const struct dialogue *d)
{
	return d->complaint;
}
