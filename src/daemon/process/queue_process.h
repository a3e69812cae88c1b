/* The queue process: the queue, the control server, and the reins to the supervisor, in its sandbox. */
#ifndef CAUSEWAY_DAEMON_QUEUE_PROCESS_H
#define CAUSEWAY_DAEMON_QUEUE_PROCESS_H

#include "settings/settings.h"

/* Runs until it is told to stop; returns the exit code. Takes the settings. */
int queue_process(struct settings *);

#endif
