/* A listing of messages, which is shown as it comes. */
#ifndef CAUSEWAY_TOOL_CTL_LISTING_H
#define CAUSEWAY_TOOL_CTL_LISTING_H

#include "tool/ctl_arguments.h"
#include "tool/ctl_http.h"

/* Shows the answer's body in the way that the command asks for (a line each, mailq, JSON). The exit code,
 * with one line in *why (free() it) unless it is 0. */
int ctl_listing(struct ctl_http *, const struct ctl_arguments *, char **why);

#endif
