/*
 * What a disk may hold after a crash. The program's calls that change files in the watched directories are
 * noted, in the place of the C library's functions. Then the directories can be made as they may look when
 * the machine stops between two of them: what was synced is there, and of the rest any mixture; but a rename
 * is atomic. Nothing is synced in truth. For one thread only: see fake_disk.c.
 */
#ifndef CAUSEWAY_UNIT_CRASH_DISK_H
#define CAUSEWAY_UNIT_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Changes since a moment at which all was on the disk. */
struct crash_disk;

/* Watches a directory; one on another device than its neighbour's is not renamed to. */
void crash_disk_watch(const char *path, int device);

/* Of the directories as they are, all of it synced. The caller frees it. */
struct crash_disk *crash_disk_new(void);
void crash_disk_free(struct crash_disk *);

/* Notes the changes to come there, each with what the clock shows ahead of it; NULL: nowhere. */
void crash_disk_note(struct crash_disk *, const size_t *clock);

size_t crash_disk_count(const struct crash_disk *);
/* What the clock showed ahead of change n, or shows now if there is none. */
size_t crash_disk_clock(const struct crash_disk *, size_t n);
/* For messages; good until the next call. */
const char *crash_disk_describe(const struct crash_disk *, size_t n);

/* The first mixture after n changes is that of the death of the process alone: everything. */
size_t crash_disk_mixtures(const struct crash_disk *, size_t n);
/* The same for mixtures that look the same. */
uint64_t crash_disk_digest(const struct crash_disk *, size_t n, size_t mixture);
/* Makes the directories look so. What comes then is noted in the result, behind the n changes after the first
 * mixture, for which the power did not fail; the caller frees it. */
struct crash_disk *crash_disk_after(const struct crash_disk *, size_t n, size_t mixture);

/* Of the syncs of files to come this one (1: the next) fails: what is unsynced then never reaches the
 * disk. */
void crash_disk_fail_sync(unsigned which);

/* Of the calls to come this one (1: the next) fails with that errno; 0: none. Whether the last such call has
 * come. */
bool crash_disk_refuse(unsigned which, int error);

#endif
