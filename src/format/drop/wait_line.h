/*
 * What is said on drop/socket between one who waits for the outcome of a drop file of his own and the daemon:
 * lines of text, ended by LF, one or more in a packet.
 *
 *	caller            daemon
 *	wait NAME         ready, or: no TEXT
 *	(the file NAME is renamed into drop/new)
 *	                  result RCPT STATUS DSN TEXT   committed; RCPT counts from 0 in the file's order
 *	enough            (his time is over)
 *	                  offer                         who has no result yet may be his again
 *	take              (he takes them back)
 *	                  rest DSN TEXT                 they are his again: all who have no result
 *	                  over
 *	                  refused TEXT                  the file is in drop/bad
 *	                  queued TEXT                   it stays in the queue, as if nobody had waited
 */
#ifndef CAUSEWAY_FORMAT_WAIT_LINE_H
#define CAUSEWAY_FORMAT_WAIT_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

enum wait_word {
	WAIT_FOR, WAIT_ENOUGH, WAIT_TAKE,
	WAIT_READY, WAIT_NO, WAIT_RESULT, WAIT_OFFER, WAIT_REST, WAIT_OVER, WAIT_REFUSED, WAIT_QUEUED
};

/* Bytes of a packet, and of a line in it. */
enum { WAIT_PACKET_MAX = 16 * 1024, WAIT_LINE_MAX = 4 * 1024 };

/* Only what the word has is set; views live as what was read. */
struct wait_line {
	enum wait_word word;
	uint32_t rcpt;
	struct text status;      /* sent, bounced or deferred */
	struct text dsn;
	struct text text;        /* the name in WAIT_FOR */
};

/* Appends the line with its LF; controls in it become '?', and a text that would make it longer than
 * WAIT_LINE_MAX is cut. */
void wait_line_print(const struct wait_line *, struct buf *out);

/* Takes a line with its LF off the front; false if there is none that is known. */
bool wait_line_read(struct text *from, struct wait_line *);

#endif
