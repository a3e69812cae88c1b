/* Bytes: OpenSSL directly on the non-blocking socket. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "net/tls_private.h"

void tls_attach(struct tls *t, int fd)
{
	SSL_set_fd(t->openssl, fd);
}

static enum tls_io broken(struct tls *t, int *error, int code, const char *text)
{
	*error = code;
	tls_set_fault(t, text);
	return TLS_IO_BROKEN;
}

/* What a call that gave no success means. */
static enum tls_io meaning(struct tls *t, int result, int *error)
{
	int code = errno;

	switch (SSL_get_error(t->openssl, result)) {
	case SSL_ERROR_WANT_WRITE:
		t->wants_write = true;
		return TLS_IO_LATER;
	case SSL_ERROR_WANT_READ:
		return TLS_IO_LATER;
	case SSL_ERROR_ZERO_RETURN:
		tls_set_fault(t, "the peer ended the TLS session");
		return TLS_IO_CLOSED;
	case SSL_ERROR_SYSCALL:
		if (code == 0)
			return TLS_IO_CLOSED;
		return broken(t, error, code, strerror(code));
	default:
		return broken(t, error, EPROTO, tls_complaint());
	}
}

static void begin(struct tls *t)
{
	t->wants_write = false;
	ERR_clear_error();
	errno = 0;
}

enum tls_io tls_handshake(struct tls *t, int *error)
{
	enum tls_io io;
	int result;

	begin(t);
	result = SSL_do_handshake(t->openssl);
	if (result == 1) {
		t->done = true;
		tls_conclude(t);
		return TLS_IO_DONE;
	}
	io = meaning(t, result, error);
	if (io == TLS_IO_CLOSED)
		return broken(t, error, ECONNRESET, "lost connection");
	return io;
}

enum tls_io tls_read(struct tls *t, void *bytes, size_t room, size_t *n, int *error)
{
	begin(t);
	if (SSL_read_ex(t->openssl, bytes, room, n))
		return TLS_IO_DONE;
	*n = 0;
	return meaning(t, 0, error);
}

/* A record a turn, until the socket is full. */
enum tls_io tls_write(struct tls *t, const void *bytes, size_t n, size_t *taken, int *error)
{
	size_t piece;

	begin(t);
	*taken = 0;
	while (*taken < n) {
		if (!SSL_write_ex(t->openssl, (const char *)bytes + *taken, n - *taken, &piece))
			return meaning(t, 0, error);
		*taken += piece;
	}
	return TLS_IO_DONE;
}

bool tls_pending(const struct tls *t)
{
	return SSL_has_pending(t->openssl);
}

bool tls_peek(struct tls *t)
{
	char byte;

	begin(t);
	return SSL_peek(t->openssl, &byte, 1) > 0;
}

bool tls_wants_write(const struct tls *t)
{
	return t->wants_write;
}

void tls_goodbye(struct tls *t)
{
	if (t->done && !t->wants_write)
		SSL_shutdown(t->openssl);
	ERR_clear_error();
}
