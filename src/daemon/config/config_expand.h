/* $name in the values of the configuration: another parameter's value, by the rules of Postfix's main.cf. */
#ifndef CAUSEWAY_DAEMON_CONFIG_EXPAND_H
#define CAUSEWAY_DAEMON_CONFIG_EXPAND_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Appends text to out with $name, $(name), ${name} replaced by the value that lookup gives, ${name?text} by
 * text if that value is not empty, ${name:text} by text if it is (text may stand in braces:
 * ${name?{one}:{other}}), and $$ by a dollar; ${function{text}} stays as it is. lookup appends the value of
 * the name to out, or returns false and a complaint in *why: constant, or of the lookup's own. False and
 * *why if something is wrong.
 */
bool config_expand(const char *text, bool (*lookup)(void *arg, const char *name, struct buf *out,
	const char **why), void *arg,
	struct buf *out, const char **why);

#endif
