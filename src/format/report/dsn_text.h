/* The part of a report that is written for a person. */
#ifndef CAUSEWAY_FORMAT_DSN_TEXT_H
#define CAUSEWAY_FORMAT_DSN_TEXT_H

#include "format/report/dsn.h"

/* The Subject: of the report. */
const char *dsn_text_subject(const struct dsn_report *);

/* Appends the whole text in wire form. */
void dsn_text_print(const struct dsn_report *, struct buf *out);

/* What an enhanced status code means to the sender, and what he can do: two constant sentences (RFC 3463,
 * and the registry of codes). */
void dsn_text_explain(const char *status, const char **meaning, const char **advice);

#endif
