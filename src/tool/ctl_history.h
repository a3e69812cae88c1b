/* What the journal says of one message (doc/queue.md "The journal"), for a person. */
#ifndef CAUSEWAY_TOOL_CTL_HISTORY_H
#define CAUSEWAY_TOOL_CTL_HISTORY_H

#include <stdio.h>

#include "base/json.h"
#include "format/journal/journal_line.h"

/* Puts the last result of each of count recipients into last, zeroes for those that have none. Texts are
 * borrowed from history. */
void ctl_history_results(const json_t *history, struct journal_line *last, size_t count);

/* What a result's status letter means. */
const char *ctl_history_state(char status);

/* An event a line; recipients are looked up by their number. */
void ctl_print_history(FILE *, const json_t *history, const json_t *recipients);

#endif
