/* Inside the callers who wait: waits.c has their life and their file, waits_attempt.c what an attempt is to
 * them. */
#ifndef CAUSEWAY_QUEUE_WAITS_PRIVATE_H
#define CAUSEWAY_QUEUE_WAITS_PRIVATE_H

#include "base/map.h"
#include "queue/caller/waits.h"

enum wait_state {
	WAITS_FILE,           /* the file has not come yet */
	WAITS_RESULT,         /* it is a message, whose results are told as they come */
	WAITS_OFFER,          /* the caller was asked to take back the rest */
	WAITS_COMMIT,         /* all is decided, and on its way to the disk */
	WAITS_OVER
};

struct wait {
	struct waits *all;
	char *key;            /* "UID/NAME" */
	uint64_t id;          /* of the message, from WAITS_RESULT on */
	enum wait_state state;
	bool enough;          /* the caller's time is over */
	bool left;            /* freed when the commit is through */
	bool took;            /* … as told by wait_take */
	struct active *active;  /* WAITS_COMMIT: the attempt that he took the rest of; NULL: there was none */
	void (*tell)(void *arg, const struct wait_line *);
	void *arg;
};

struct waits {
	struct queue *queue;
	struct map *by_key;
	struct idmap *by_id;
	size_t offers;        /* in WAITS_OFFER */
};

/* The caller of this message; NULL: none. */
struct wait *wait_of_message(const struct waits *, uint64_t id);
/* The one way from state to state. */
void wait_enter(struct wait *, enum wait_state);
/* Tells him a line, unless he has gone. */
void wait_say(const struct wait *, const struct wait_line *);
/* Asks him to take back what is not final. */
void wait_offer(struct wait *);
/* He is told the word and is done; an attempt that waited for his answer goes on without him. */
void wait_end(struct wait *, enum wait_word, const char *text);
/* Frees one who has left. */
void wait_forget(struct wait *);

#endif
