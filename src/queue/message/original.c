#include "queue/message/original.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "queue/message/active.h"

/* Fully read, or false. */
static bool read_at(int fd, char *to, size_t n, uint64_t at)
{
	while (n) {
		ssize_t got = pread(fd, to, n, (off_t)at);

		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		if (got < 0)
			continue;
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

/* Length of the header with the line end before the empty line; all of it if there is no empty line. */
static size_t header_length(const char *p, size_t n)
{
	const char *end;

	if (n >= 2 && memcmp(p, "\r\n", 2) == 0)
		return 0;
	end = memmem(p, n, "\r\n\r\n", 4);
	return end ? (size_t)(end - p) + 2 : n;
}

/* How many of the n bytes are whole lines. */
static size_t whole_lines(const char *p, size_t n)
{
	const char *lf = memrchr(p, '\n', n);

	return lf ? (size_t)(lf + 1 - p) : 0;
}

bool original_read(int fd, uint64_t content_at, uint64_t content_size, bool headers_only, struct buf *out)
{
	uint64_t size = active_size(content_size);
	size_t n = headers_only && size > ORIGINAL_HEADER_MAX ? ORIGINAL_HEADER_MAX : (size_t)size;
	char *bytes = mem_alloc(n + 1);
	bool fine = read_at(fd, bytes, n, content_at);

	if (fine && headers_only)
		fine = buf_add(out, bytes, whole_lines(bytes, header_length(bytes, n)));
	else if (fine)
		fine = buf_add(out, bytes, n);
	free(bytes);
	return fine;
}
