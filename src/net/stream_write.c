#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "net/stream_private.h"

#define FILE_PIECE (512 * 1024)   /* bytes of a file given to a peer in one turn */

bool stream_is_waiting(const struct stream *s)
{
	return s->waiting.len > 0 || s->file.left > 0;
}

/* As many bytes as the kernel takes now: 0 if none, and what else went wrong ends the stream. */
static size_t put(struct stream *s, const char *bytes, size_t n)
{
	ssize_t taken;

	do
		taken = s->tls ? stream_secure_put(s, bytes, n)
			: send(s->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (taken < 0 && errno == EINTR);
	if (taken >= 0)
		return (size_t)taken;
	if (errno != EAGAIN && errno != ENOBUFS)
		stream_end_later(s, STREAM_BROKEN, errno);
	return 0;
}

/* The same for a range of a file. */
static uint64_t put_file(struct stream *s)
{
	size_t piece = s->file.left < FILE_PIECE ? (size_t)s->file.left : FILE_PIECE;
	ssize_t taken;

	do
		taken = sendfile(s->fd, s->file.fd, &s->file.at, piece);
	while (taken < 0 && errno == EINTR);
	if (taken > 0)
		return (uint64_t)taken;
	if (taken == 0 || errno == EIO)
		stream_end_later(s, STREAM_UNREADABLE, taken == 0 ? 0 : errno);
	else if (errno != EAGAIN && errno != ENOBUFS)
		stream_end_later(s, STREAM_BROKEN, errno);
	return 0;
}

/* True if size bytes at the offset are in the buffer. */
static bool read_all(struct stream *s, int fd, uint64_t at, char *to, size_t size)
{
	while (size > 0) {
		ssize_t n = pread(fd, to, size, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			stream_end_later(s, STREAM_UNREADABLE, n < 0 ? errno : 0);
			return false;
		}
		to += n;
		at += (uint64_t)n;
		size -= (size_t)n;
	}
	return true;
}

/* Puts what comes out of the next piece of the file behind what waits. */
static void fill(struct stream *s)
{
	size_t piece = s->file.left < SMALL_FILE ? (size_t)s->file.left : SMALL_FILE;

	if (!read_all(s, s->file.fd, (uint64_t)s->file.at, s->shared->buffer, piece))
		return;
	if (!s->change.change(s->change.arg, s->shared->buffer, piece, &s->waiting)) {
		stream_end_later(s, STREAM_UNCHANGED, 0);
		return;
	}
	s->file.at += (off_t)piece;
	s->file.left -= piece;
	if (s->waiting.over)
		stream_end_later(s, STREAM_BROKEN, ENOBUFS);
}

void stream_push(struct stream *s)
{
	uint64_t taken;

	if (s->waiting.len == 0 && s->change.change)
		fill(s);
	if (s->over)
		return;
	if (s->waiting.len > 0 || s->change.change) {
		taken = put(s, s->waiting.data, s->waiting.len);
		buf_drop(&s->waiting, (size_t)taken);
	} else {
		taken = put_file(s);
		s->file.left -= taken;
	}
	if (taken > 0)
		stream_taken(s, taken);
	if (s->waiting.len == 0)
		buf_free(&s->waiting);
}

static bool wait_for(struct stream *s, const char *bytes, size_t n)
{
	if (n > 0 && !buf_add(&s->waiting, bytes, n))
		stream_end_later(s, STREAM_BROKEN, ENOBUFS);
	stream_watch(s);
	return !s->over && !stream_is_waiting(s);
}

bool stream_write(struct stream *s, const void *bytes, size_t n)
{
	size_t taken = 0;

	assert(s->open);
	if (s->over)
		return false;
	if (!stream_is_waiting(s))
		taken = put(s, bytes, n);
	return wait_for(s, (const char *)bytes + taken, n - taken);
}

void stream_keep(struct stream *s, const void *bytes, size_t n)
{
	assert(s->open);
	if (!s->over && !buf_add(&s->waiting, bytes, n))
		stream_end_later(s, STREAM_BROKEN, ENOBUFS);
}

/* TLS has no sendfile. */
static bool add_as_it_is(void *arg, const char *bytes, size_t n, struct buf *out)
{
	(void)arg;
	buf_add(out, bytes, n);
	return true;
}

bool stream_write_file(struct stream *s, const void *head, size_t n, int fd, uint64_t at, uint64_t size)
{
	char *buffer = s->shared->buffer;

	assert(s->open && s->file.left == 0);
	if (s->over)
		return false;
	if (n > HEAD_ROOM || size > SMALL_FILE) {
		stream_write(s, head, n);
		s->file = (struct range){ fd, (off_t)at, size };
		s->change.change = s->tls ? add_as_it_is : NULL;
		if (s->waiting.len == 0 && !s->over)
			stream_push(s);
		return wait_for(s, NULL, 0);
	}
	memcpy(buffer, head, n);
	return read_all(s, fd, at, buffer + n, (size_t)size) && stream_write(s, buffer, n + (size_t)size);
}

bool stream_write_changed(struct stream *s, const void *head, size_t n, int fd, uint64_t at, uint64_t size,
	const struct stream_change *change)
{
	assert(s->open && s->file.left == 0);
	if (s->over)
		return false;
	s->file = (struct range){ fd, (off_t)at, size };
	s->change = *change;
	if (!buf_add(&s->waiting, head, n))
		stream_end_later(s, STREAM_BROKEN, ENOBUFS);
	else
		fill(s);
	if (!s->over)
		stream_push(s);
	return wait_for(s, NULL, 0);
}
