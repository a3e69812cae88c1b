/* What a result of header_checks, mime_header_checks, nested_header_checks or body_checks asks for:
 * those actions of header_checks(5) that a delivering client has. */
#ifndef CAUSEWAY_FORMAT_CHECK_ACTION_H
#define CAUSEWAY_FORMAT_CHECK_ACTION_H

#include <stdbool.h>

#include "base/text.h"

enum check_kind {
	CHECK_DUNNO,         /* nothing */
	CHECK_IGNORE,        /* leave it out */
	CHECK_STRIP,         /* the same, and log it */
	CHECK_WARN,          /* log it as a warning */
	CHECK_INFO,          /* log it */
	CHECK_REPLACE,       /* send the text instead */
	CHECK_PREPEND        /* send the text ahead of it */
};

struct check_action {
	enum check_kind kind;
	struct text text;    /* a part of the result; empty where the action has none */
};

/* Reads a result, for a header field or for a line of a body. False if it is none that can be carried
 * out: *why is a constant text for "RESULT: …". */
bool check_action_read(const char *result, bool header, struct check_action *, const char **why);

/* The action's name as it stands in log lines, for those that are logged ("warning", "info", "strip",
 * "replace", "prepend"), else NULL. */
const char *check_action_word(enum check_kind);

#endif
