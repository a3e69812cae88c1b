/* What intake has to know about a message's content, found out while it passes by in wire form. */
#ifndef CAUSEWAY_FORMAT_BSMTP_FACTS_H
#define CAUSEWAY_FORMAT_BSMTP_FACTS_H

#include "format/content/line_cut.h"
#include "format/header/header.h"

struct bsmtp_facts {
	uint64_t content_at;      /* offset of the content's first byte in the file that was fed */
	uint64_t content_size;    /* bytes of content in wire form, final dot line included */
	unsigned hops;            /* Received: fields in the header */
	bool eight_bit;           /* some byte above 127 */
	bool utf8_header;         /* such a byte in the header */
	bool has_nul;
	const char *message_id;   /* value of Message-ID:, cleaned, at most 250 bytes; lives as the transaction */
	bool long_lines;          /* some line is longer than LINE_LONG (line_cut.h) */
	bool tls_optional, requiretls;   /* as in struct header */
};

/* Who finds it out. */
struct bsmtp_watch {
	struct bsmtp_facts facts;
	struct header header;
	struct line_lengths lengths;
};

void bsmtp_watch_init(struct bsmtp_watch *);
void bsmtp_watch_free(struct bsmtp_watch *);

/* Stands before the first byte of a content, which is byte content_at of its file. */
void bsmtp_watch_begin(struct bsmtp_watch *, uint64_t content_at);
void bsmtp_watch_see(struct bsmtp_watch *, struct text piece);

#endif
