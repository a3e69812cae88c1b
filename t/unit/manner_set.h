/* An option of smtp {} or lmtp {} by its name, for tests that have no configuration. */
#ifndef UNIT_MANNER_SET_H
#define UNIT_MANNER_SET_H

#include "talk/manner.h"

/* False and a complaint in *why for a name that the protocol has not, or a bad value. */
static inline bool manner_set(struct manner *m, const char *name, const char *text, const char **why)
{
	const struct option_row *row = manner_row(m->protocol, name);

	if (row)
		return option_set(row, m, text, why);
	*why = "no such option";
	return false;
}

#endif
