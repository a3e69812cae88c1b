/*
 * Makes queue files and reads them again: what is in a claimed drop file becomes messages (adopted or copied), reports are written,
 * envelopes are read back. Runs in disk threads; reads each file once, in order.
 */
#ifndef CAUSEWAY_SPOOL_STORE_H
#define CAUSEWAY_SPOOL_STORE_H

#include "spool/ids.h"
#include "spool/spool.h"
#include "spool/tree.h"

struct store_limits {
	uint64_t size;          /* bytes of one content; 0: none */
	size_t rcpts;
};

enum store_result {
	STORE_OK,
	STORE_REFUSED,          /* the file is no good: reason */
	STORE_FAILED            /* the disk is no good: error; may work later */
};

/* A claimed file and what becomes of it. */
struct store {
	const struct tree *tree;
	struct ids *ids;
	struct store_limits limits;
	uint64_t id;            /* of the claim, and of the first message; changed when the file holds several */
	unsigned count;         /* 0, or the number of messages as the claim's name tells it */
	bool adoptable;         /* the file is ours */
	const bool *have;       /* which of count messages are there already; NULL: none */
	/* results */
	bool adopted;           /* there is no drop file any more */
	struct spool_message **messages;
	size_t stored, room;
	char *reason;           /* free() it */
	int error;
};

/* Stores all messages of the open drop file fd under their final names (not yet durable). Messages are complete but for uid, origin and
 * arrived; fd is open only if there is one. */
enum store_result store_file(struct store *, int fd, char *room);

/* Releases what is in messages and reason. */
void store_clear(struct store *);

/* Writes a report as queue file id, name and content durable. 0 or an errno. */
int store_report(const struct tree *, uint64_t id, const char *bytes, size_t n);

/* Opens the queue file and reads its envelope. size: bytes of content that it must have, 0: unknown; facts: whether to read on through
 * the content for hops, eight_bit, utf8_header. STORE_FAILED with ENOENT: there is no such file. */
enum store_result store_load(const struct tree *, uint64_t id, uint64_t size, bool facts, char *room, struct spool_message **out,
	char **reason, int *error);

/* Moves a queue file to corrupt/. 0 or an errno. */
int store_set_aside(const struct tree *, uint64_t id);

#endif
