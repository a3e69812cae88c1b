/* header_checks, mime_header_checks, nested_header_checks and body_checks of a transport: the rules by which
 * fields and lines are left out, changed, added and logged while a message is sent (header_checks(5)). */
#ifndef CAUSEWAY_COURIER_CHECKS_H
#define CAUSEWAY_COURIER_CHECKS_H

#include "base/buf.h"
#include "base/text.h"
#include "talk/manner.h"

enum checks_which { CHECKS_HEADER, CHECKS_MIME, CHECKS_NESTED, CHECKS_BODY };

struct checks;

/* Opens the tables. NULL with *why NULL: none is configured. NULL and *why (free() it): *option is to
 * blame. */
struct checks *checks_new(const struct manner *, const char **option, char **why);
void checks_free(struct checks *);

/* A line for the log about the message at hand; the text is the callee's to free(). */
struct checks_log {
	void (*note)(void *arg, char *text);
	void *arg;
};

/* Whether there is anything to ask. */
bool checks_has(const struct checks *, enum checks_which);

/* Asks the tables about a whole field or line, whose folds and end are CRLF; a piece of a line has no
 * end. Appends what goes ahead of it to out; *left is what goes out in its place, valid until the next
 * question: empty if it is left out. False if no answer can be had; the log is told why. */
bool checks_apply(struct checks *, enum checks_which, struct text piece, const struct checks_log *,
	struct buf *out, struct text *left);

/* Which of the header tables are asked for a field: MIME's fields have a table of their own in any
 * header, all other fields of a part share it. */
enum checks_which checks_of_field(struct text name, bool part, bool nested);

#endif
