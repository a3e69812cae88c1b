/*
 * Views of bytes and bounded scanners over them: the only place where text is taken apart by hand.
 * A scanner takes what it recognises off the front of the view and says whether there was anything.
 */
#ifndef CAUSEWAY_BASE_TEXT_H
#define CAUSEWAY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct text {
	const char *p;
	size_t n;
};

struct text text_of(const char *s);                       /* view of a string; NULL gives the empty view */
struct text text_make(const char *p, size_t n);
struct text text_trim(struct text);                       /* without blanks and tabs at both ends */
bool text_is(struct text, const char *s);                 /* equal bytes */
bool text_is_nocase(struct text, const char *s);          /* equal but for ASCII case */
bool text_starts_nocase(struct text, const char *prefix);
bool text_word(struct text *from, struct text *word);     /* skips blanks, takes up to the next blank */
bool text_until(struct text *from, char stop, struct text *part); /* takes stop too; false without one */
bool text_number(struct text *from, uint64_t max, uint64_t *out); /* decimal; false if none or above max */

/* Next element of a list written with blanks and/or commas (main.cf style; braces and double quotes
 * group); false at the end. */
bool text_list_next(struct text *from, struct text *element);

/* If t is one group in braces, makes it what stands inside, without blanks at the ends. */
bool text_unbrace(struct text *t);

/* Whether some element of such a list is that word, but for ASCII case. */
bool text_list_has(const char *list, const char *word);

/* "30", "30s", "5m", "1.5h", "200ms", "5d", "1w" to milliseconds; none means seconds; false on anything
 * else or overflow. */
bool text_duration(struct text, int64_t *ms);

/* Milliseconds as text_duration reads them back: whole days in d, whole seconds in s, else ms ("5d",
 * "300s", "200ms", "0s"). */
void text_duration_print(int64_t ms, struct buf *out);

/* "1024", "50 MiB", "10K", "1G" to bytes (K M G T, KiB…: 1024); false on anything else or overflow. */
bool text_size(struct text, uint64_t *bytes);

bool text_is_ascii(struct text);                          /* no byte above 127 */
bool text_has_control(struct text);                       /* some byte below 32, or DEL */

bool text_is_utf8(struct text);                           /* all of it is UTF-8 (RFC 3629) */

/* Takes one character of UTF-8 (RFC 3629) off the front; false and nothing taken if there is none or it
 * is not valid. */
bool text_utf8(struct text *from, uint32_t *code);

/* Appends what came from outside so that it is safe on one line of log, report or listing: C0, DEL, C1,
 * bidirectional controls, the Unicode line separators and bytes that are not UTF-8 are shown as '?'; at
 * most max bytes, then "...". */
void text_clean(struct text, size_t max, struct buf *out);

/* text_clean as a new string; free() it. */
char *text_cleaned(const char *s, size_t max);

/* "s", or "" for one: "%zu message%s". */
const char *text_plural(uint64_t n);

#endif
