/* The directories that must be there before anything runs: made if missing, their modes put right, their
 * owners checked. The log file is made too, where only the superuser can. */
#ifndef CAUSEWAY_DAEMON_DIRECTORIES_H
#define CAUSEWAY_DAEMON_DIRECTORIES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "settings/settings.h"

/* Makes what is missing of the spool and of the control socket's directory, owned by uid and gid (who we
 * are, or shall become). One line per repaired mode is appended to warnings. False and *why (free() it)
 * for a wrong owner, or what cannot be made. */
bool directories_prepare(const struct settings *, uid_t uid, gid_t gid, struct buf *warnings, char **why);

#endif
