/*
 * delivery_status_filter: tables of a transport that may change what is recorded of a recipient. Asked with
 * "X.Y.Z text", once for each result; the answer has the same form. Success stays success; a refusal may
 * become a deferral and the other way round.
 */
#ifndef CAUSEWAY_QUEUE_STATUS_FILTER_H
#define CAUSEWAY_QUEUE_STATUS_FILTER_H

#include "queue/message/active.h"
#include "settings/settings.h"

struct status_filters;

/* Opens the tables of all transports; one that cannot be opened changes nothing, which is logged. The
 * settings are read only now. */
struct status_filters *status_filters_new(const struct settings *);
void status_filters_free(struct status_filters *);

/* The result as it is to be recorded: values, or room filled with what the tables say, whose strings are
 * valid until the next call. An answer that makes no sense is logged and changes nothing. */
const struct note *status_filter(struct status_filters *, const struct note *values, struct note *room);

#endif
