/*
 * A drop file of any form in slices. Whatever goes in: what comes out is in wire form, no server can read it
 * as more than one message, as a queue file it is read back to itself, and the cuts change nothing.
 */
#include "fuzz.h"

#include <string.h>

#include "format/drop/drop_file.h"

#include "one_message.h"

static void begin(struct drop_file *b, struct outcome *o)
{
	struct envelope *e = drop_file_take_envelope(b);

	must(e->count > 0);
	buf_clear(&o->out);
	must(envelope_print(e, &o->out));
	envelope_free(e);
}

static void end(struct drop_file *b, struct outcome *o)
{
	size_t size = drop_file_facts(b)->content_size;

	must(size <= o->out.len);
	must_be_one_message(text_make(o->out.data + o->out.len - size, size));
	buf_add(&o->all, o->out.data, o->out.len);
}

static void act(struct drop_file *b, enum bsmtp_event event, struct text piece, struct outcome *o)
{
	if (event == BSMTP_BEGIN)
		begin(b, o);
	else if (event == BSMTP_CONTENT)
		must(piece.n > 0 && buf_add(&o->out, piece.p, piece.n));
	else if (event == BSMTP_END)
		end(b, o);
}

static enum bsmtp_event drain(struct drop_file *b, struct text slice, struct outcome *o)
{
	enum bsmtp_event event;
	struct text piece;

	while ((event = drop_file_next(b, &slice, &piece)) != BSMTP_MORE && event != BSMTP_ERROR)
		act(b, event, piece, o);
	must(event == BSMTP_ERROR || slice.n == 0);
	return event;
}

static enum bsmtp_event finish(struct drop_file *b, struct outcome *o)
{
	enum bsmtp_event event;
	struct text piece;

	while ((event = drop_file_finish(b, &piece)) != BSMTP_MORE && event != BSMTP_ERROR)
		act(b, event, piece, o);
	return event;
}

static void read_file(struct text file, size_t n, struct outcome *o)
{
	struct drop_file *b = drop_file_new(DROP_FILE_AUTO, 100, 0);
	enum bsmtp_event event = BSMTP_MORE;

	buf_init(&o->out, 1 << 24);
	buf_init(&o->all, 1 << 24);
	while (file.n && event == BSMTP_MORE) {
		struct text slice = text_make(file.p, file.n < n ? file.n : n);

		event = drain(b, slice, o);
		file = text_make(file.p + slice.n, file.n - slice.n);
	}
	if (event == BSMTP_MORE)
		event = finish(b, o);
	must((event == BSMTP_ERROR) == (drop_file_error(b)[0] != '\0'));
	must(strlen(drop_file_error(b)) < sizeof o->error);
	strcpy(o->error, drop_file_error(b));
	o->wire_form = event != BSMTP_ERROR && drop_file_is_wire_form(b);
	drop_file_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		must_read_the_same_in_pieces(text_make((const char *)data + 1, size - 1), data[0] % 16 + 1,
			read_file);
	return 0;
}
