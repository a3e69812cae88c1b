/* The content, which the driver sends: what goes ahead of it, and what is owed for it. */
#include "talk/dialogue_steps.h"

#include <assert.h>
#include <string.h>

int64_t dialogue_dot_delay(const struct dialogue *d)
{
	bool delayed = d->pix & PIX_DELAY_DOTCRLF && d->now.t.age >= d->manner->pix_workaround_threshold_time;

	return delayed ? d->manner->pix_workaround_delay_time : 0;
}

void dialogue_content_sent(struct dialogue *d)
{
	bool chunked = d->step == STEP_CHUNKS;

	if (d->step == STEP_END)
		return;
	assert(chunked || d->step == STEP_SENDING || d->step == STEP_LONE_DOT);
	d->progress++;
	d->step = STEP_LAST_CHUNK;
	if (d->now.in_pieces)
		return;
	d->now.dot_sent = true;
	d->step = STEP_OVER;
	if (chunked)
		return;   /* its replies have been owed since the last BDAT was said */
	if (d->now.left == 0 && d->lmtp) {
		dialogue_stop(d);   /* no reply is owed, and none can be told from the next command's */
		return;
	}
	dialogue_owe(d, STEP_DOT, 0, 1);
	dialogue_count_finals(d);
}

bool dialogue_chunked(const struct dialogue *d)
{
	return d->manner->chunking && d->offers.offers & EHLO_CHUNKING && dialogue_dot_delay(d) == 0;
}

void dialogue_chunk(struct dialogue *d, size_t size, bool last, struct buf *out)
{
	size_t before = out->len;
	bool whole = last && !d->now.in_pieces;

	if (size == 0 && !whole)
		return;
	buf_fmt(out, "BDAT %zu%s\r\n", size, whole ? " LAST" : "");
	if (d->step != STEP_CHUNKS)
		return;   /* the session has ended meanwhile */
	d->now.in_pieces = !whole;
	dialogue_record_said(d, out->data + before, out->len - before - strlen("\r\n"));
	dialogue_owe(d, whole ? STEP_DOT : STEP_CHUNK, 0, 1);
	dialogue_count_finals(d);
}
