/* Hands one message over: from a descriptor into drop/new, with what its header lacks. */
#ifndef CAUSEWAY_TOOL_INJECT_MESSAGE_H
#define CAUSEWAY_TOOL_INJECT_MESSAGE_H

#include "tool/inject_arguments.h"

struct inject_place {
	const char *spool;     /* directory */
	const char *origin;    /* domain for header fields that are made here */
	bool finds_utf8;       /* what has UTF-8 in header or envelope needs SMTPUTF8 */
};

/* Returns 0 once the message is in drop/new (or the outcome, if the arguments ask for it: inject_wait.h), or
 * a code of sysexits.h and one line in *why (free() it). The envelope in the arguments is completed. */
int inject_message(struct inject_arguments *, const struct inject_place *, int fd, char **why);

#endif
