/*
 * Replies of SMTP and LMTP servers (RFC 5321 4.2, RFC 3463): bytes in, replies out. A reader holds one reply
 * being read. Limits: a line is kept to REPLY_LINE_MAX bytes or fewer, the text of one reply to
 * REPLY_TEXT_MAX; what is longer is read and dropped. A reply that goes on for more than REPLY_BYTES_MAX
 * bytes is an error: a peer that never ends costs bounded memory and time.
 */
#ifndef CAUSEWAY_FORMAT_REPLY_H
#define CAUSEWAY_FORMAT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/text.h"

#define REPLY_LINE_MAX 2048
#define REPLY_TEXT_MAX 8192
#define REPLY_BYTES_MAX (1024 * 1024)

struct reply {
	int code;          /* of the final line, 0..999 */
	char dsn[12];      /* enhanced code of the final line if its class is the code's; else the class with
	                    * ".0.0"; "5.5.0" for a code that begins with none of 2 4 5 */
	bool has_dsn;      /* the peer gave the enhanced code itself */
	bool garbage;      /* lines that were no reply lines came before the final one */
	bool cut;          /* some line was longer than what is kept of one */
	const char *text;  /* all lines, code included, joined with '\n', cleaned; lives until the next call */
};

enum reply_result { REPLY_MORE, REPLY_READY, REPLY_ENDLESS, REPLY_UNFILTERED };

struct reply_reader;
struct reply_reader *reply_reader_new(void);
void reply_reader_free(struct reply_reader *);

/* Bytes kept of a line, at most REPLY_LINE_MAX, which it is at first; 0 leaves it. */
void reply_reader_limit(struct reply_reader *, size_t line_max);

/* What is read instead of a line, which comes cleaned and without its end: NULL leaves it; *why (NULL before)
 * if that cannot be said. Both are valid until the next call. */
struct reply_filter {
	const char *(*replace)(void *arg, const char *line, const char **why);
	void *arg;
};
void reply_reader_filter(struct reply_reader *, const struct reply_filter *);   /* copied */

/* From now on every byte above 127 is read as a question mark. */
void reply_reader_ascii(struct reply_reader *);

/* Takes bytes from *p up to the end of one reply and moves *p and *n on; REPLY_READY fills *out.
 * REPLY_UNFILTERED: the filter failed, out->text says why; the reader is not to be used again. */
enum reply_result reply_reader_next(struct reply_reader *, const char **p, size_t *n, struct reply *out);

/* Some bytes of a reply were read, but not its end. */
bool reply_reader_inside(const struct reply_reader *);

/* First digit of the code. */
int reply_class(const struct reply *);

/* The reply as one line: newlines are spaces. */
void reply_one_line(const struct reply *, struct buf *out);

/* Takes an enhanced status code (RFC 3463 section 2) off the front, blanks ahead of it too; it must be
 * followed by white space or the end. False if there is none; out is undefined then, and so is what is
 * left. */
bool reply_take_dsn(struct text *from, char out[12]);

#endif
