/* causewayctl top: looks at the daemon again and again. */
#ifndef CAUSEWAY_TOOL_CTL_TOP_H
#define CAUSEWAY_TOOL_CTL_TOP_H

#include "tool/ctl_arguments.h"

/* Until q or a signal on a terminal, which is left as it was found; else until a signal or nobody reads on.
 * On a terminal a daemon that goes away is waited for. The exit code, with one line in *why (free() it)
 * unless it is 0. */
int ctl_top(const struct ctl_arguments *, const char *socket, char **why);

#endif
