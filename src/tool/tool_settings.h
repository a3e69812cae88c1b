/* The configuration as the tools see it, who may run as somebody that must not read all of it. */
#ifndef CAUSEWAY_TOOL_TOOL_SETTINGS_H
#define CAUSEWAY_TOOL_TOOL_SETTINGS_H

#include "settings/settings.h"

/* The values in file, or, if that is NULL, in the default file or the built-in ones where that one cannot be
 * read. NULL, and "FILE:LINE: what" in *why (free() it), if a file is no good, which is EX_CONFIG. */
struct settings *tool_settings(const char *file, char **why);

#endif
