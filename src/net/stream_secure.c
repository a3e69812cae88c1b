#include <assert.h>
#include <errno.h>

#include "net/stream_private.h"

void stream_secure(struct stream *s, struct tls *tls)
{
	assert(s->open && !s->tls && !stream_is_waiting(s));
	s->tls = tls;
	s->securing = true;
	if (s->over)
		return;
	tls_attach(tls, s->fd);
	loop_later(s->shared->loop, &s->later);
}

struct tls *stream_tls(const struct stream *s)
{
	return s->tls;
}

bool stream_shake_hands(struct stream *s)
{
	int error = 0;

	switch (tls_handshake(s->tls, &error)) {
	case TLS_IO_DONE:
		s->securing = false;
		return true;
	case TLS_IO_LATER:
		return false;
	default:
		stream_end_later(s, STREAM_UNSECURED, error);
		return false;
	}
}

static ssize_t result(enum tls_io io, size_t n, int error)
{
	if (n > 0 || io == TLS_IO_DONE)
		return (ssize_t)n;
	if (io == TLS_IO_CLOSED)
		return 0;
	errno = io == TLS_IO_LATER ? EAGAIN : error;
	return -1;
}

ssize_t stream_secure_take(struct stream *s, char *bytes, size_t room)
{
	int error = 0;
	size_t n;
	enum tls_io io = tls_read(s->tls, bytes, room, &n, &error);

	return result(io, n, error);
}

ssize_t stream_secure_put(struct stream *s, const char *bytes, size_t n)
{
	int error = EPIPE;
	size_t taken;
	enum tls_io io = tls_write(s->tls, bytes, n, &taken, &error);

	if (io == TLS_IO_CLOSED)
		io = TLS_IO_BROKEN;
	return result(io, taken, error);
}
