/* What the lookup tables that give routes say. */
#ifndef CAUSEWAY_DAEMON_CONFIG_ROUTES_H
#define CAUSEWAY_DAEMON_CONFIG_ROUTES_H

#include "base/buf.h"
#include "settings/settings.h"

/* Opens transport_maps as the queue does; false and *why (free() it) if that fails. A transport in them that
 * does not exist is told in warnings, a line each, once: mail that would go there waits, and the rest flows.
 * lmdb, and results that depend on the key, are not looked at. */
bool config_routes_check(const struct settings *, struct buf *warnings, char **why);

#endif
