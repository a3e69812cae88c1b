/*
 * From 8-bit MIME to 7-bit MIME (RFC 6152 section 3) while the message passes by. Every leaf that has or may
 * have bytes above 127 gets a coding, chosen by its first few kilobytes; its Content-Transfer-Encoding: goes
 * to the end of its header. What is in a coding already is mended where it has such bytes. Left as they are:
 * all of a multipart/signed, what stands between parts, and leaves that may have no coding (enum mime_kind).
 */
#ifndef CAUSEWAY_FORMAT_MIME_CONVERT_H
#define CAUSEWAY_FORMAT_MIME_CONVERT_H

#include "format/rewriting/mime.h"

/* Who gets what comes out, in order. */
struct mime_sink {
	void (*field)(void *arg, const struct mime_entity *, struct text field);   /* as MIME_FIELD tells it */
	void (*text)(void *arg, struct text bytes);      /* all else, cut anywhere */
	void *arg;
};

struct mime_convert_setup {
	bool seven_bit;       /* convert; else only lines in quoted-printable are kept from being cut */
	size_t line;          /* bytes that a line may have; 0: any */
	size_t header;        /* bytes of a header that are held back at most */
	bool completes;       /* a header that ends without an empty line gets one */
};

struct mime_convert;

/* The structure is borrowed, and read by the caller: each of its events is to be given to mime_convert. */
struct mime_convert *mime_convert_new(const struct mime_convert_setup *, const struct mime *,
	const struct mime_sink *);
void mime_convert_free(struct mime_convert *);

/* Takes one event of mime_next with its text. */
void mime_convert(struct mime_convert *, enum mime_event, struct text);

#endif
