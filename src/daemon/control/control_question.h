/* A request of the operator, with what it asks for taken apart. */
#ifndef CAUSEWAY_DAEMON_CONTROL_QUESTION_H
#define CAUSEWAY_DAEMON_CONTROL_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/control/control_http.h"
#include "queue/queue.h"

struct control;

struct question {
	struct control *control;
	struct http_call *call;
	const char *tail;          /* what follows the path of the route */
	struct queue_filter filter;
	bool selects;              /* some selector was given */
};

/* Fills the filter from the query; if that is no good the call is answered and false returned. */
bool question_selectors(struct question *);

/* A message's id from its printed form; answers the call and returns false if it is none. */
bool question_id(struct http_call *, const char *text, uint64_t *id);

/* The parameter name, the only one that there may be; answers the call and returns NULL if it is missing. */
const char *question_name(const struct question *);

/* The same where there may be others, of which name is one (NULL-terminated). */
const char *question_name_among(const struct question *, const char *const *known);

/* Answers that there is no such message. */
void question_no_message(struct http_call *);

#endif
