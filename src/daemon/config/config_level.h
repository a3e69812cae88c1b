/* compatibility_level: older defaults for a configuration that counts on them. */
#ifndef CAUSEWAY_DAEMON_CONFIG_LEVEL_H
#define CAUSEWAY_DAEMON_CONFIG_LEVEL_H

#include "daemon/config/config_values.h"

/* Adds the defaults that hold below a level to what has no value yet. False, and the complaint, if the level
 * that is set does not exist. */
bool config_level(struct config *);

#endif
