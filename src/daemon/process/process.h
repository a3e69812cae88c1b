/*
 * How the supervisor starts its children, the queue process and the couriers, and what they find when they
 * begin: this binary again, with a role as its first argument and a fixed set of descriptors. Nothing else
 * is inherited.
 */
#ifndef CAUSEWAY_DAEMON_PROCESS_H
#define CAUSEWAY_DAEMON_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "settings/settings.h"

/* The descriptors of a child beside 0, 1, 2. */
enum {
	PROCESS_REINS = 3,      /* its end of the reins */
	PROCESS_SETTINGS,       /* sealed memfd */
	PROCESS_LOG,            /* the log file, if the log goes to one */
	PROCESS_LINK,           /* courier: its end of the link */
	PROCESS_END
};

/* What to start; descriptors that are not there are -1; all stay the caller's. */
struct process_start {
	const char *role;       /* "queue" or "courier" */
	unsigned slot;
	int reins, settings, log, link;
};

/* The pid, or -1 with errno. */
pid_t process_start(const struct process_start *);

/* In a child, first of all: whether argv is that of a child, and its slot. */
bool process_is_child(int argc, char **argv, unsigned *slot);

/* In a child: ties its life to its parent's, takes the settings, and opens the log. NULL if that cannot
 * be (logged). */
struct settings *process_begin(char **argv);

/* In a child that holds passwords and keys: its memory is written to no file and read by no other process of
 * its user. */
void process_keep_memory(void);

/* The settings as a sealed memfd, or -1 with errno. */
int process_settings_fd(const struct settings *);
struct settings *process_settings_read(int fd, const char **why);   /* closes fd */

/* Opens the log as the settings say; process is what it calls this process (base/log.h), fd the log file if
 * it goes to one (owned by the log from now on). Settings and name are borrowed. */
void process_open_log(const struct settings *, const char *process, int fd);

/* Logs each line as a warning. */
void process_log_warnings(const struct buf *lines);

/* The log file opened for appending, -1 if the log does not go to a file; false and *why (free() it) if
 * that fails. */
bool process_log_file(const struct settings *, int *fd, char **why);

#endif
