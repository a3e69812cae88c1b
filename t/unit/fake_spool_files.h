/* The files of the spool in memory: what outlives a crash. */
#ifndef CAUSEWAY_UNIT_FAKE_SPOOL_FILES_H
#define CAUSEWAY_UNIT_FAKE_SPOOL_FILES_H

#include "fake_spool.h"

enum { FAKE_FILE_RCPTS_MAX = 4096 };

struct fake_file {
	uint64_t id;
	char *bytes, *drop_name;
	size_t n;
	uint64_t content_at;
	int64_t arrived, next;
	unsigned attempts, suspect, reports, hops;
	bool held, warned;
	size_t count;
	uint8_t final[FAKE_FILE_RCPTS_MAX / 8];
	char reason[200];
	bool committed;               /* a report is there only after its batch */
	bool unwritten;               /* the next start takes it in anew … */
	bool told;                    /* … so nothing may be committed about it that is not its end … */
	bool writing;                 /* … and nothing at all now */
};

/* The one with that id, or NULL; all of them, one after the other, then NULL. */
struct fake_file *fake_file(uint64_t id);
struct fake_file *fake_file_next(size_t *cursor);

struct fake_file *fake_file_new(uint64_t id, const char *bytes, size_t n, uint64_t content_at);

/* A descriptor, and a message as the spool hands it out. */
int fake_file_open(const struct fake_file *);
struct spool_message *fake_file_message(struct fake_file *);

/* The file, which came so many ms ago, arrives in the next turn. */
void fake_spool_arrive(struct spool *, struct fake_file *, int64_t age);

#endif
