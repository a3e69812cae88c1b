/* The few system calls that make bytes and names durable, whole or not at all. All return 0 or an errno; none
 * is called from the loop but at start. */
#ifndef CAUSEWAY_SPOOL_IO_H
#define CAUSEWAY_SPOOL_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Writes all n bytes at the descriptor's end. */
int io_write(int fd, const void *bytes, size_t n);

/* Content and length are on the disk. After an error the descriptor must not be synced again: close it. */
int io_sync(int fd);

/* The names in directory dir are on the disk. Opens the directory anew, so an error concerns this call
 * only. */
int io_sync_directory(int dir);

/* Reads up to n bytes; *got 0 at the end. */
int io_read(int fd, void *bytes, size_t n, size_t *got);

/* Sees to it that blocks are there for size bytes, without changing the length. 0 also where the file system
 * cannot. */
int io_reserve(int fd, uint64_t size);

/* rename that never replaces; EEXIST if to is there. */
int io_rename(int from_dir, const char *from, int to_dir, const char *to);

/* Makes dir/name with this content, synced, by way of dir/name.part. */
int io_make_file(int dir, const char *name, const void *bytes, size_t n, mode_t mode);

#endif
