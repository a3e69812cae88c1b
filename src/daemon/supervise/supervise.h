/*
 * The supervisor: starts the queue process and, when that is ready, the couriers; starts again what dies;
 * reads the configuration again on SIGHUP; stops all on SIGTERM and SIGINT. It opens no drop file and parses
 * nothing from outside.
 */
#ifndef CAUSEWAY_DAEMON_SUPERVISE_H
#define CAUSEWAY_DAEMON_SUPERVISE_H

#include "daemon/config/config.h"

struct supervise_setup {
	const struct config_source *source;   /* for reloads */
	struct settings *settings;            /* taken */
	int log;                              /* the log file, -1: none; taken */
	void (*ready)(void *arg);             /* called once, when mail is taken in and delivered */
	void *arg;
};

/* Runs until it is told to stop; the exit code. */
int supervise(const struct supervise_setup *);

#endif
