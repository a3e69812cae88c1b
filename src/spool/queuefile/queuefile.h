/*
 * Queue files as they are: written whole, read back, set aside when damaged. Runs in disk threads.
 */
#ifndef CAUSEWAY_SPOOL_QUEUEFILE_H
#define CAUSEWAY_SPOOL_QUEUEFILE_H

#include "format/drop/bsmtp.h"
#include "spool/disk/tree.h"
#include "spool/spool.h"

enum queuefile_result {
	QUEUEFILE_OK,
	QUEUEFILE_BAD,          /* the file is damaged: a reason */
	QUEUEFILE_FAILED        /* the system refused: an errno; ENOENT: there is no such file */
};

/* A message with this envelope (owned, may be NULL) and nothing else. */
struct spool_message *queuefile_message(struct envelope *);

/* Takes over what a parser found out about a content. */
void queuefile_take_facts(struct spool_message *, const struct bsmtp_facts *);

/* Writes the queue file of report id, content and name durable. 0 or an errno. */
int queuefile_write(const struct tree *, uint64_t id, const char *bytes, size_t n);

/* Opens queue file id for reading; -1 and errno if it cannot be. */
int queuefile_fd(const struct tree *, uint64_t id);

/* Opens queue file id and reads its envelope. size: bytes of content that it must have, 0: unknown; facts:
 * whether to read on through the content for hops, eight_bit, utf8_header, long_lines. The caller owns *out
 * and *reason. */
enum queuefile_result queuefile_open(const struct tree *, uint64_t id, uint64_t size, bool facts, char *room,
	struct spool_message **out,
	char **reason, int *error);

/* Moves queue file id to corrupt/. 0 or an errno. */
int queuefile_set_aside(const struct tree *, uint64_t id);

#endif
