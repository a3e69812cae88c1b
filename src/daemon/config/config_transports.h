/*
 * What couriers will open and read: tables, passwords, certificates. It is tried in a process of its own that
 * ends again, so that nothing secret of it is ever in the memory of the supervisor.
 */
#ifndef CAUSEWAY_DAEMON_CONFIG_TRANSPORTS_H
#define CAUSEWAY_DAEMON_CONFIG_TRANSPORTS_H

#include "base/buf.h"
#include "settings/settings.h"

/* False, with the path of the option that is to blame and what is wrong (free() both). Appends what is passed
 * over, a line "NAME: what" each. */
bool config_transports_check(const struct settings *, char **path, char **what, struct buf *passed_over);

#endif
