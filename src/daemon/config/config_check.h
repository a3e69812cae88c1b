/* What must hold between options, or of a value beyond its form: tables open, transports exist, addresses
 * parse. */
#ifndef CAUSEWAY_DAEMON_CONFIG_CHECK_H
#define CAUSEWAY_DAEMON_CONFIG_CHECK_H

#include "settings/settings.h"

/* What is wrong with the settings as a whole. */
struct config_fault {
	char *path;           /* of the option that is to blame; free() all three */
	char *other;          /* the one to blame if the first was not written anywhere, or NULL */
	char *what;
};

/* False, and the first fault, if something does not hold. Opens the lookup tables that routing uses, and
 * closes them. Appends what is passed over, a line "NAME: what" each. */
bool config_check(const struct settings *, struct config_fault *, struct buf *passed_over);

/* The number of a syslog facility as syslog(3) takes it, or -1. */
int config_facility(const char *name);

#endif
