/*
 * Option tables: every configuration value of Causeway stands in one row of one table, with its default as
 * text that is read by the same setter as the user's. The tables themselves are talk/manner.c (smtp {} and
 * lmtp {}) and settings/settings.c (all else).
 */
#ifndef CAUSEWAY_BASE_OPTION_H
#define CAUSEWAY_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum option_kind {
	OPTION_TEXT,      /* char *: owned, never NULL after the defaults are in */
	OPTION_LIST,      /* char *: as it was written, on one line; take it apart with text_list_next */
	OPTION_FLAG,      /* bool: yes/no (true/false, on/off, 1/0) */
	OPTION_COUNT,     /* int64_t */
	OPTION_SIZE,      /* int64_t bytes */
	OPTION_DURATION,  /* int64_t milliseconds */
	OPTION_CHOICE     /* int: index into choices */
};

struct option_row {
	const char *name;
	enum option_kind kind;
	size_t offset;               /* of the member in the struct that the table describes */
	const char *initial;         /* default as text; may hold $name, expanded by the reader of the file */
	const char *const *choices;  /* OPTION_CHOICE: NULL-terminated words */
	int64_t min, max;            /* numbers, sizes, durations in ms; max 0: no upper bound */
	int64_t unit;                /* OPTION_DURATION: ms that a bare number counts; 0: a second */
	unsigned use;                /* meaning belongs to the table (whose protocol, acting or obsolete, …) */
	const char *help;            /* one line */
};

/* Puts text into the member of base that row describes; false and a constant complaint in *why if the
 * text is no good. */
bool option_set(const struct option_row *, void *base, const char *text, const char **why);

/* Appends a complaint of option_set with what would have been good: the words, or the bounds. */
void option_explain(const struct option_row *, const char *complaint, struct buf *out);

/* Appends the value in the form that option_set reads back. */
void option_print(const struct option_row *, const void *base, struct buf *out);

/* Releases what option_set allocated in base for all rows. */
void option_release(const struct option_row *, size_t count, void *base);

#endif
