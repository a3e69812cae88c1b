/* Landlock (landlock(7)) by its system calls: the C library has none of them, and older headers lack the
 * newer rights. */
#ifndef CAUSEWAY_DAEMON_SANDBOX_LANDLOCK_H
#define CAUSEWAY_DAEMON_SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

struct landlock_rules {
	/* What may be read, and what may be changed as well. Rights are the same on all writable paths: a
	 * rename to a place with wider rights fails (EXDEV). Directories stand for all below them;
	 * readable paths that do not exist are left out. */
	const char **readable, **writable;
	size_t readable_count, writable_count;
	bool connect;    /* may make TCP connections; binding is to port 0 only, or not at all */
	bool renames;    /* needs to move files between directories, which ABI 1 forbids to everybody */
};

/* The ABI of this kernel; 0: no Landlock. */
int landlock_abi(void);

/* Restricts the calling thread as far as the ABI can; NULL, or what failed (constant or strerror). */
const char *landlock_enter(int abi, const struct landlock_rules *);

#endif
