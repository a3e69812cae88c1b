/* STARTTLS (RFC 3207): whether the session may go on without it. */
#include "talk/dialogue_steps.h"

enum step dialogue_say_starttls(struct dialogue *d, struct buf *out)
{
	const char *missing = manner_tls_missing(d->manner);

	(void)out;
	if (!missing)
		return STEP_LOGIN;
	dialogue_fail_left(d, STAGE_STARTTLS, "4.7.4", missing);
	d->unfit = true;
	return STEP_OVER;
}
