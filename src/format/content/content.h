/*
 * Message content in wire form: lines end in CRLF, no other CR or LF, lines that begin with a dot are
 * stuffed, ".CRLF" at the end (RFC 5321 section 4.5.2, doc/queue.md). NUL and bytes above 127 stay.
 */
#ifndef CAUSEWAY_FORMAT_CONTENT_H
#define CAUSEWAY_FORMAT_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/*
 * Turns dot-stuffed content as a producer wrote it into wire form. Its lines are those between the line ends
 * of its file: behind one of them a first dot is stuffing and a lone dot is the end. A line that begins only
 * because a bare LF became CRLF was not stuffed.
 */
struct content {
	bool crlf;           /* lines of the file end in CRLF, else in LF */
	bool changed;        /* something came out other than it went in */
	uint64_t lines;      /* LF taken so far */
	int at;              /* where in a line the next byte stands (content.c) */
	const char *slice;   /* first byte of the slice at hand */
	struct text kept;    /* bytes of the slice that go out as they are */
	bool copying;        /* something was changed: what goes out of this slice is in out */
	struct buf out;
};

/* To be freed; content_begin comes first. */
void content_init(struct content *);
void content_free(struct content *);

/* Stands before the first byte of a new content. */
void content_begin(struct content *, bool crlf);

/* Takes bytes off *slice and gives what comes out of them in *piece (perhaps nothing), valid until the
 * next call; true when the end-of-data line has come out, and *slice then stands behind it. */
bool content_next(struct content *, struct text *slice, struct text *piece);

/* Appends text from outside, cleaned, LF as blank, as lines of at most 76 columns where words allow: the
 * first begins with first, others with rest. No line is longer than 900 bytes. False if out's ceiling was
 * met. */
bool content_add_folded(const char *first, const char *rest, struct text, struct buf *out);

/* The header with its last CRLF, without the empty line, of content in wire form; all of it if there is
 * no empty line. */
struct text content_header(struct text wire);

#endif
