/*
 * Checks in a process of their own, which ends again: nothing secret that is read there is ever in the memory
 * of the supervisor. Where this one is root it is who the daemon will be, so that what only root can read is
 * not found out by couriers that cannot start.
 */
#ifndef CAUSEWAY_DAEMON_CONFIG_TRIAL_H
#define CAUSEWAY_DAEMON_CONFIG_TRIAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "daemon/config/config_check.h"
#include "settings/settings.h"

/* What check() says in that process, with its fault and what it appends to passed_over. */
bool config_trial(const struct settings *,
	bool (*check)(const struct settings *, struct config_fault *, struct buf *passed_over),
	struct config_fault *, struct buf *passed_over);

#endif
