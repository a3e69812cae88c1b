/*
 * The outgoing form of a message: a drop file of one transaction, envelope and content in wire form, so that
 * the daemon can take it as it is. The content is streamed; BODY=8BITMIME is added to an envelope without
 * BODY once a byte above 127 was seen.
 */
#ifndef CAUSEWAY_TOOL_INJECT_LETTER_H
#define CAUSEWAY_TOOL_INJECT_LETTER_H

#include "format/smtp/envelope.h"
#include "tool/inject_drop.h"

struct inject_letter;

/* Both are borrowed; the envelope is complete but for its BODY. Here and below: false and a line in *why
 * (free() it) on failure. */
struct inject_letter *inject_letter_new(struct inject_drop *, struct envelope *);
void inject_letter_free(struct inject_letter *);

/* Adds whole lines of raw text, or a part of one line; its lines end in LF or CRLF. */
bool inject_letter_add(struct inject_letter *, struct text, bool starts_line, char **why);

/* Ends the content; the file is complete then. */
bool inject_letter_end(struct inject_letter *, char **why);

#endif
