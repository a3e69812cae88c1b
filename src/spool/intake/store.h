/*
 * What is in a claimed drop file becomes messages: adopted or copied. Runs in disk threads; reads each file
 * once, in order.
 */
#ifndef CAUSEWAY_SPOOL_STORE_H
#define CAUSEWAY_SPOOL_STORE_H

#include "spool/disk/ids.h"
#include "spool/disk/tree.h"
#include "spool/spool.h"

struct store_limits {
	uint64_t size;          /* bytes of one content; 0: none */
	size_t rcpts;           /* recipients of one message; also: messages in one file */
};

enum store_result {
	STORE_OK,
	STORE_UNFIT,            /* not byte for byte a queue file: it cannot be adopted */
	STORE_REFUSED,          /* the file is no good: reason */
	STORE_FAILED            /* the disk is no good: error; may work later */
};

/* A claimed file and what becomes of it. */
struct store {
	const struct tree *tree;
	struct ids *ids;
	struct store_limits limits;
	enum drop_file_form form;   /* what the file must be */
	/* of the claim, and of the first message; changed when the file holds several */
	uint64_t id;
	unsigned count;         /* 0, or the number of messages as the claim's name tells it */
	const bool *have;       /* which of count messages are there already; NULL: none */
	bool early;             /* the claim has its message's name already, in the hope that it can be adopted */
	/* results: messages are complete but for uid, origin and arrived */
	bool adopted;           /* there is no drop file any more */
	bool unwritten;         /* the message is in memory, and its drop file is all that the disk has of it */
	struct spool_message **messages;
	size_t stored, room;
	char *reason;           /* free() it */
	int error;
};

/* The open drop file fd becomes a queue file itself. Ok: its name is final, but not yet durable; fd is the
 * message's now. */
enum store_result store_adopt(struct store *, int fd, char *room);

/* An early claim that cannot be adopted gets the name of any other claim. */
int store_withdraw(struct store *);

/* The only message of the open drop file fd is copied into memory: its fd is a queue file that nobody can
 * change. Unfit: there are several, it is larger than it seemed, or there is no memory. */
enum store_result store_unwritten(struct store *, int fd, char *room);

/* Stores all messages of the open drop file fd: the content is durable, the names are final but not yet
 * durable. If there is only one, its fd is open. */
enum store_result store_copy(struct store *, int fd, char *room);

/* Releases what is in messages and reason. */
void store_clear(struct store *);

#endif
