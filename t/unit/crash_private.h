/* The innards of crash_disk.h: crash_calls.c notes what the program does, crash_disk.c says what that may
 * come to. */
#ifndef CAUSEWAY_UNIT_CRASH_PRIVATE_H
#define CAUSEWAY_UNIT_CRASH_PRIVATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "crash_disk.h"

enum { CRASH_ENTRIES = 64, CRASH_NAME = 100, CRASH_DIRECTORIES = 8 };

struct crash_directory {
	char *path;
	int device;
	ino_t ino;
};

/* Those that are watched. */
extern struct crash_directory crash_directories[CRASH_DIRECTORIES];
extern int crash_directory_count;

/* A name and the number of its file, which no other file ever has. */
struct crash_entry {
	int dir, file;
	char name[CRASH_NAME];
};

struct crash_tree {
	struct crash_entry entries[CRASH_ENTRIES];
	size_t count;
};

struct crash_bytes {
	unsigned users;
	size_t n;
	char p[];
};

enum crash_kind { CRASH_CREATED, CRASH_RENAMED, CRASH_UNLINKED, CRASH_WRITTEN, CRASH_CUT, CRASH_SYNCED,
	CRASH_DIRECTORY_SYNCED };

struct crash_change {
	enum crash_kind kind;
	bool lost;                        /* its sync has failed */
	struct crash_entry entry, to;     /* names; of content: entry.file */
	uint64_t at;                      /* where it was written, or what it was cut to */
	struct crash_bytes *bytes;        /* what was written */
	size_t clock;
};

struct crash_disk {
	struct crash_tree base, now;      /* names before all changes, and behind them */
	struct crash_base { int file; struct crash_bytes *bytes; } *files;   /* content before all changes */
	struct crash_change *changes;
	size_t file_count, count;
};

/* ---- crash_calls.c ---- */

int crash_file_number(void);          /* a new one */
struct crash_bytes *crash_bytes(const void *p, size_t n);
/* Whether files of that name count in a watched directory. */
bool crash_is_watched(int dir, const char *name);
struct crash_entry crash_entry(int dir, const char *name, int file);
void crash_put(struct crash_tree *, const struct crash_entry *);
/* What a change does to names. */
void crash_apply(struct crash_tree *, const struct crash_change *);

/* ---- crash_disk.c ---- */

bool crash_is_names(const struct crash_change *);
bool crash_is_data(const struct crash_change *);
/* Whether a change is on the disk for good when n were made. */
bool crash_is_synced(const struct crash_disk *, size_t change, size_t n);

#endif
