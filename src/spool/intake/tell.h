/* What the log says of drop files that are not simply taken: to a postmaster, one line a file. */
#ifndef CAUSEWAY_SPOOL_TELL_H
#define CAUSEWAY_SPOOL_TELL_H

#include "spool/intake/take.h"

/* The longest reason of a refusal, bytes. */
#define TELL_REASON_MAX 1000

/* TAKE_REFUSED or TAKE_DIRECTORY. */
void tell_refused(const struct take *);

/* TAKE_UNCLAIMED, for the first time. */
void tell_unclaimed(const struct take *);

/* TAKE_TROUBLE, where the last file met none. */
void tell_trouble(const struct take *);

#endif
