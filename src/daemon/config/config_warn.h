/* What is accepted, but does not do what whoever wrote it may think. */
#ifndef CAUSEWAY_DAEMON_CONFIG_WARN_H
#define CAUSEWAY_DAEMON_CONFIG_WARN_H

#include "daemon/config/config_values.h"

/* Appends a line for each such value that stands in the file or on the command line; all are expanded. */
void config_warn(struct config *);

#endif
