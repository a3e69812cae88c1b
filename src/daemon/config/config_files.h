/* Files and directories that are named in the configuration and must be there before the daemon begins: one
 * that is missing would be noticed late, or by nobody. Directories that the start itself makes need not be
 * there. Tables, certificates and keys are looked at where they are used. */
#ifndef CAUSEWAY_DAEMON_CONFIG_FILES_H
#define CAUSEWAY_DAEMON_CONFIG_FILES_H

#include "settings/settings.h"

/* False if one of them is no good: *path of the option and *what is wrong (free() both). */
bool config_files_check(const struct settings *, char **path, char **what);

#endif
