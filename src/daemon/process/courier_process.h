/* A courier process: one courier, its sandbox, and the reins to the supervisor. */
#ifndef CAUSEWAY_DAEMON_COURIER_PROCESS_H
#define CAUSEWAY_DAEMON_COURIER_PROCESS_H

#include "settings/settings.h"

/* Runs until its link has ended; returns the exit code. Takes the settings. */
int courier_process(struct settings *, unsigned slot);

#endif
