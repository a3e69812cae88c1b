/* Values of MIME fields taken apart: words, comments, parameters (RFC 2045 section 5.1, 2231). Syntax is read
 * as loosely as readers of mail do. */
#ifndef CAUSEWAY_FORMAT_MIME_VALUE_H
#define CAUSEWAY_FORMAT_MIME_VALUE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

/* Without blanks, tabs and line ends at both ends. */
struct text mime_trim(struct text);

/* A word without the comments and blanks that it may have on either side (RFC 5322 CFWS). */
struct text mime_without_comments(struct text);

/* Takes the value up to its first semicolon off, without blanks around it and without the semicolon. */
struct text mime_value_first(struct text *value);

/* Takes the next parameter off what stands behind the first semicolon of a value; raw is its value as it
 * stands, in its quotes if it has some. False if there is none any more. */
bool mime_parameter_next(struct text *rest, struct text *name, struct text *raw);

/* Appends a parameter's value without quotes, backslashes and folds. */
void mime_unquote(struct text raw, struct buf *out);

/* Looks for a parameter in what stands behind the first semicolon of a value, and appends its bytes, put
 * together and decoded if need be (RFC 2231): name=, name*=, name*0= … name*63=, name*0*= …; nothing if there
 * is none. */
void mime_parameter(struct text rest, const char *name, struct buf *out);

#endif
