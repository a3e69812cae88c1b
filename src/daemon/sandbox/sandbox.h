/*
 * What keeps a process to its own work once it runs: Landlock for files, TCP and signals, a seccomp filter
 * for what Landlock cannot say or this kernel's Landlock cannot yet. Entered once, before threads are
 * started, and never left.
 */
#ifndef CAUSEWAY_DAEMON_SANDBOX_H
#define CAUSEWAY_DAEMON_SANDBOX_H

#include <stdbool.h>

#include "base/buf.h"
#include "settings/settings.h"

enum sandbox_role {
	/* reads and writes below spool and pickup directories, reads tables; makes no inet socket */
	SANDBOX_QUEUE,
	/* writes, locks, renames, removes nothing and opens nothing for writing; listens nowhere */
	SANDBOX_COURIER
};

/* Enters the role's sandbox as settings->sandbox asks; *state (free() it) says in a few words what is in
 * force. False if it is required and not all of it can be had; *state is then the reason. */
bool sandbox_enter(enum sandbox_role, const struct settings *, char **state);

/* Appends the paths that the queue process may reach, a line each: when they change it must be replaced. */
void sandbox_queue_paths(const struct settings *, struct buf *out);

#endif
