/*
 * A drop file in slices. Whatever goes in: what comes out is in wire form, no server can read it as more
 * than one message, as a queue file it is read back to itself, and the cuts change nothing.
 */
#include "fuzz.h"

#include <string.h>

#include "format/drop/bsmtp.h"

#include "one_message.h"

static void begin(struct bsmtp *b, struct outcome *o)
{
	struct envelope *e = bsmtp_take_envelope(b);

	must(e->count > 0);
	buf_clear(&o->out);
	must(envelope_print(e, &o->out));
	envelope_free(e);
}

static void end(struct bsmtp *b, struct outcome *o)
{
	size_t size = bsmtp_facts(b)->content_size;

	must(size <= o->out.len);
	must_be_one_message(text_make(o->out.data + o->out.len - size, size));
	buf_add(&o->all, o->out.data, o->out.len);
}

static enum bsmtp_event drain(struct bsmtp *b, struct text slice, struct outcome *o)
{
	enum bsmtp_event event;
	struct text piece;

	while ((event = bsmtp_next(b, &slice, &piece)) != BSMTP_MORE && event != BSMTP_ERROR) {
		if (event == BSMTP_BEGIN)
			begin(b, o);
		else if (event == BSMTP_CONTENT)
			must(piece.n > 0 && buf_add(&o->out, piece.p, piece.n));
		else
			end(b, o);
	}
	return event;
}

static void read_file(struct text file, size_t n, struct outcome *o)
{
	struct bsmtp *b = bsmtp_new(100, 0);
	enum bsmtp_event event = BSMTP_MORE;

	buf_init(&o->out, 1 << 24);
	buf_init(&o->all, 1 << 24);
	while (file.n && event == BSMTP_MORE) {
		struct text slice = text_make(file.p, file.n < n ? file.n : n);

		event = drain(b, slice, o);
		file = text_make(file.p + slice.n, file.n - slice.n);
	}
	if (event == BSMTP_MORE)
		event = bsmtp_finish(b);
	must((event == BSMTP_ERROR) == (bsmtp_error(b)[0] != '\0'));
	must(strlen(bsmtp_error(b)) < sizeof o->error);
	strcpy(o->error, bsmtp_error(b));
	o->wire_form = event != BSMTP_ERROR && bsmtp_is_wire_form(b);
	bsmtp_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		must_read_the_same_in_pieces(text_make((const char *)data + 1, size - 1), data[0] % 16 + 1,
			read_file);
	return 0;
}
