/* What a report returns of the message that it is about. */
#ifndef CAUSEWAY_QUEUE_ORIGINAL_H
#define CAUSEWAY_QUEUE_ORIGINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Most of a header that is returned, bytes. */
#define ORIGINAL_HEADER_MAX (64 * 1024)

/* Reads the content from the queue file, without its final dot line: all of it, or with headers_only its
 * header up to the empty line, whole lines and at most ORIGINAL_HEADER_MAX. False if the file cannot be
 * read; nothing is added to out then. */
bool original_read(int fd, uint64_t content_at, uint64_t content_size, bool headers_only, struct buf *out);

#endif
