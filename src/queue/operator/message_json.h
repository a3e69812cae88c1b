/* Messages and destinations as JSON, for the operator. All text from outside is cleaned. */
#ifndef CAUSEWAY_QUEUE_MESSAGE_JSON_H
#define CAUSEWAY_QUEUE_MESSAGE_JSON_H

#include "base/json.h"
#include "queue/operator/walk.h"

/* { id, state, sender, size, arrived, next, attempts, reason, recipients: [ { address, state, destination,
 * dsn, text } ] }; times in ms since 1970, next null if there is no time. The walk must have been one with
 * envelopes. */
json_t *message_json(struct queue *, const struct walk_stop *);

/* The content as text, at most 1 MiB, each line cleaned; what is left out is said in the last line. */
json_t *message_json_content(const struct walk_stop *);

/* One element of GET /destinations; the caller's. */
json_t *destination_json(const struct destination *);

#endif
