/* What causewayctl top shows: two looks at the daemon, and what happened between them. */
#ifndef CAUSEWAY_TOOL_CTL_PRINT_TOP_H
#define CAUSEWAY_TOOL_CTL_PRINT_TOP_H

#include <stdio.h>

#include "base/json.h"

/* The daemon's answers at one moment; NULL if there was none. */
struct ctl_look {
	json_t *status, *destinations;
	double at;                 /* seconds of any clock */
};

/* Lines of at most so many columns, ended by end. Of the destinations those that most mail waits for, or goes
 * to, come first, as many as there is room for; rows 0: all. Without an earlier look rates are shown as
 * "-". */
void ctl_print_top(FILE *, const struct ctl_look *before, const struct ctl_look *now, unsigned rows,
	unsigned columns, const char *end);

#endif
