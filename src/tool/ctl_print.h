/* The daemon's answers as text for a person. What is missing in an answer is shown as empty or 0. */
#ifndef CAUSEWAY_TOOL_CTL_PRINT_H
#define CAUSEWAY_TOOL_CTL_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include "base/json.h"

/* Members of a JSON object: "" and 0 if there is none of that name and kind. */
const char *ctl_text(const json_t *object, const char *name);
int64_t ctl_number(const json_t *object, const char *name);

/* Writes text without what could move a cursor (base/text.h), in a column of at least width bytes. */
void ctl_put(FILE *, const char *text, int width);

void ctl_print_status(FILE *, const json_t *status);
void ctl_print_destinations(FILE *, const json_t *list);
void ctl_print_destination(FILE *, const json_t *destination);
/* Which way mail for an address takes. */
void ctl_print_explain(FILE *, const json_t *way);

/* What a destination says about an address; and the exit code that says the same. */
void ctl_print_verify(FILE *, const json_t *result);
int ctl_verify_code(const json_t *result);

void ctl_print_config(FILE *, const json_t *values);

/* How many messages were, or with dry_run would be, acted on. */
void ctl_print_count(FILE *, const json_t *answer, const char *target, bool dry_run);

/* The heading of a listing and one message as a line of it; now in seconds since 1970. */
void ctl_print_heading(FILE *);
void ctl_print_line(FILE *, const json_t *message, int64_t now);

/* The same as Postfix's mailq shows them; the end counts messages and their bytes. */
void ctl_print_mailq_heading(FILE *);
void ctl_print_mailq(FILE *, const json_t *message);
void ctl_print_mailq_end(FILE *, uint64_t messages, uint64_t bytes);

/* All about one message. */
void ctl_print_message(FILE *, const json_t *message, int64_t now);

#endif
