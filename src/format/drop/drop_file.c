#include "format/drop/drop_file.h"

#include <stdlib.h>

#include "base/mem.h"
#include "format/drop/pickup.h"
#include "format/drop/pickup_fields.h"

/* No name that decides is longer, a byte order mark and the colon included. */
enum { HEAD_MAX = 64 };

struct drop_file {
	size_t rcpt_limit;
	uint64_t size_limit;
	enum drop_file_form form;     /* DROP_FILE_AUTO: not known yet, and what was fed is in head */
	struct bsmtp *bsmtp;
	struct pickup *pickup;
	struct buf head;
	struct text rest;             /* of head, once the form is known */
};

static void set_form(struct drop_file *d, enum drop_file_form form)
{
	d->form = form;
	if (form == DROP_FILE_BSMTP)
		d->bsmtp = bsmtp_new(d->rcpt_limit, d->size_limit);
	else if (form == DROP_FILE_PICKUP)
		d->pickup = pickup_new(d->rcpt_limit, d->size_limit);
}

struct drop_file *drop_file_new(enum drop_file_form form, size_t rcpt_limit, uint64_t size_limit)
{
	struct drop_file *d = mem_alloc(sizeof *d);

	d->rcpt_limit = rcpt_limit;
	d->size_limit = size_limit;
	buf_init(&d->head, HEAD_MAX);
	set_form(d, form);
	return d;
}

void drop_file_free(struct drop_file *d)
{
	if (!d)
		return;
	bsmtp_free(d->bsmtp);
	pickup_free(d->pickup);
	buf_free(&d->head);
	free(d);
}

static bool begins_pickup(struct text t)
{
	struct text mark = text_make(t.p, t.n < 3 ? t.n : 3), line;

	if (text_until(&(struct text){ t.p, t.n }, '\n', &line))
		t = line;
	return pickup_fields_know(text_is(mark, "\xef\xbb\xbf") ? text_make(t.p + 3, t.n - 3) : t);
}

/* Decides when a line, or as much as any name takes, is there. */
static void recognise(struct drop_file *d, struct text *slice, bool all_read)
{
	size_t n = slice->n < HEAD_MAX - d->head.len ? slice->n : HEAD_MAX - d->head.len;
	struct text head;

	buf_add(&d->head, slice->p, n);
	*slice = text_make(slice->p + n, slice->n - n);
	head = text_make(buf_text(&d->head), d->head.len);
	if (!all_read && head.n < HEAD_MAX && !text_until(&(struct text){ head.p, head.n }, '\n',
		&(struct text){ 0 }))
		return;
	set_form(d, begins_pickup(head) ? DROP_FILE_PICKUP : DROP_FILE_BSMTP);
	d->rest = head;
}

static enum bsmtp_event next(struct drop_file *d, struct text *slice, struct text *piece)
{
	return d->bsmtp ? bsmtp_next(d->bsmtp, slice, piece) : pickup_next(d->pickup, slice, piece);
}

enum bsmtp_event drop_file_next(struct drop_file *d, struct text *slice, struct text *piece)
{
	if (d->form == DROP_FILE_AUTO)
		recognise(d, slice, false);
	if (d->form == DROP_FILE_AUTO)
		return BSMTP_MORE;
	while (d->rest.n) {
		enum bsmtp_event event = next(d, &d->rest, piece);

		if (event != BSMTP_MORE)
			return event;
	}
	return next(d, slice, piece);
}

enum bsmtp_event drop_file_finish(struct drop_file *d, struct text *piece)
{
	struct text nothing = text_make("", 0);
	enum bsmtp_event event = BSMTP_MORE;

	if (d->form == DROP_FILE_AUTO)
		recognise(d, &nothing, true);
	if (d->rest.n)
		event = drop_file_next(d, &nothing, piece);
	if (event != BSMTP_MORE)
		return event;
	return d->bsmtp ? bsmtp_finish(d->bsmtp) : pickup_finish(d->pickup, piece);
}

const char *drop_file_error(const struct drop_file *d)
{
	return d->bsmtp ? bsmtp_error(d->bsmtp) : pickup_error(d->pickup);
}

struct envelope *drop_file_take_envelope(struct drop_file *d)
{
	return d->bsmtp ? bsmtp_take_envelope(d->bsmtp) : pickup_take_envelope(d->pickup);
}

const struct bsmtp_facts *drop_file_facts(const struct drop_file *d)
{
	return d->bsmtp ? bsmtp_facts(d->bsmtp) : pickup_facts(d->pickup);
}

bool drop_file_is_wire_form(const struct drop_file *d)
{
	return d->bsmtp && bsmtp_is_wire_form(d->bsmtp);
}
