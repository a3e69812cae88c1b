#include "format/drop/bsmtp_facts.h"

#include <string.h>

void bsmtp_watch_init(struct bsmtp_watch *w)
{
	header_init(&w->header);
	bsmtp_watch_begin(w, 0);
}

void bsmtp_watch_free(struct bsmtp_watch *w)
{
	header_free(&w->header);
}

void bsmtp_watch_begin(struct bsmtp_watch *w, uint64_t content_at)
{
	w->facts = (struct bsmtp_facts){ .content_at = content_at, .message_id = "" };
	w->lengths = (struct line_lengths){ 0 };
	header_begin(&w->header);
}

void bsmtp_watch_see(struct bsmtp_watch *w, struct text piece)
{
	struct bsmtp_facts *f = &w->facts;

	f->content_size += piece.n;
	f->eight_bit = f->eight_bit || !text_is_ascii(piece);
	f->has_nul = f->has_nul || (piece.n && memchr(piece.p, '\0', piece.n));
	header_feed(&w->header, piece);
	f->hops = w->header.hops;
	f->utf8_header = w->header.utf8;
	f->tls_optional = w->header.tls_optional;
	f->requiretls = w->header.requiretls;
	line_lengths_see(&w->lengths, piece);
	f->long_lines = w->lengths.has_long;
	f->message_id = buf_text(&w->header.message_id);
}
