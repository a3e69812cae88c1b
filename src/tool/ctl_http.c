#include "tool/ctl_http.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { BUFFER_SIZE = 16 * 1024, LINE_MAX_BYTES = 8 * 1024, HEAD_LINES_MAX = 100, PATIENCE_SECONDS = 60 };

enum framing { UNTIL_CLOSE, BY_LENGTH, CHUNKED };

struct ctl_http {
	int fd, status;
	enum framing framing;
	uint64_t left;               /* bytes of the body, or of the chunk at hand, that were not read */
	bool first_chunk, over;
	struct buf line;
	size_t from, to;             /* what is in the buffer and was not used */
	char bytes[BUFFER_SIZE];
};

int ctl_http_connect(const char *path, char **why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		*why = mem_fmt("%s: is too long for the path of a socket", path);
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		return fd;
	}
	if (errno == EACCES)
		*why = mem_fmt("%s: permission denied; the socket is for the members of its group", path);
	else
		*why = mem_fmt("%s: no daemon answers there (%s); is causewayd running?", path,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static bool fail(char **why, const char *what)
{
	*why = mem_fmt("the daemon's answer %s", what);
	return false;
}

/* Makes sure that the buffer is not empty; false with *why NULL at the end of the stream. */
static bool fill(struct ctl_http *h, char **why)
{
	ssize_t n;

	if (h->from < h->to)
		return true;
	do
		n = read(h->fd, h->bytes, BUFFER_SIZE);
	while (n < 0 && errno == EINTR);
	h->from = 0;
	h->to = n > 0 ? (size_t)n : 0;
	if (n < 0 && errno == EAGAIN)
		*why = mem_fmt("the daemon has not answered for %d s", PATIENCE_SECONDS);
	else if (n < 0)
		*why = mem_fmt("the daemon's answer cannot be read: %s", strerror(errno));
	return n > 0;
}

/* Reads a line into h->line, without its end. */
static bool read_line(struct ctl_http *h, char **why)
{
	buf_clear(&h->line);
	for (;;) {
		char c;

		if (!fill(h, why))
			return *why ? false : fail(why, "ends too early");
		c = h->bytes[h->from++];
		if (c == '\n')
			break;
		if (!buf_char(&h->line, c))
			return fail(why, "has a line that is too long");
	}
	if (h->line.len && h->line.data[h->line.len - 1] == '\r')
		h->line.data[--h->line.len] = '\0';
	return true;
}

static struct text line_of(const struct ctl_http *h)
{
	return text_make(buf_text(&h->line), h->line.len);
}

/* --- the head --------------------------------------------------------------------------------- */

static bool send_request(int fd, const char *method, const char *target, char **why)
{
	char *request = mem_fmt(
		"%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		method, target);
	size_t n = strlen(request), sent = 0;

	while (sent < n) {
		ssize_t some = send(fd, request + sent, n - sent, MSG_NOSIGNAL);

		if (some < 0 && errno != EINTR)
			break;
		sent += some > 0 ? (size_t)some : 0;
	}
	if (sent < n)
		*why = mem_fmt("the daemon does not take the request: %s", strerror(errno));
	free(request);
	return sent == n;
}

/* "HTTP/1.1 200 OK". */
static bool take_status(struct ctl_http *h, char **why)
{
	struct text line, version;
	uint64_t status;

	if (!read_line(h, why))
		return false;
	line = line_of(h);
	if (!text_starts_nocase(line, "HTTP/1.") || !text_until(&line, ' ', &version) ||
		!text_number(&line, 599, &status))
		return fail(why, "is not HTTP");
	h->status = (int)status;
	return true;
}

static bool take_field(struct ctl_http *h, char **why)
{
	struct text value = line_of(h), name;

	if (!text_until(&value, ':', &name))
		return fail(why, "has a header line without a colon");
	value = text_trim(value);
	if (text_is_nocase(name, "Transfer-Encoding")) {
		h->framing = CHUNKED;
		return text_is_nocase(value, "chunked") || fail(why, "is encoded in an unknown way");
	}
	if (text_is_nocase(name, "Content-Length") && h->framing != CHUNKED) {
		h->framing = BY_LENGTH;
		return (text_number(&value, UINT64_MAX, &h->left) && value.n == 0) ||
			fail(why, "has a bad length");
	}
	return true;
}

static bool take_head(struct ctl_http *h, char **why)
{
	if (!take_status(h, why))
		return false;
	for (unsigned lines = 0; lines < HEAD_LINES_MAX; lines++) {
		if (!read_line(h, why))
			return false;
		if (h->line.len == 0)
			return true;
		if (!take_field(h, why))
			return false;
	}
	return fail(why, "has too many header lines");
}

struct ctl_http *ctl_http_ask(int fd, const char *method, const char *target, char **why)
{
	struct ctl_http *h = mem_alloc(sizeof(*h));

	h->fd = fd;
	h->first_chunk = true;
	buf_init(&h->line, LINE_MAX_BYTES);
	*why = NULL;
	if (send_request(fd, method, target, why) && take_head(h, why)) {
		if (h->framing == CHUNKED)
			h->left = 0;
		return h;
	}
	ctl_http_free(h);
	return NULL;
}

void ctl_http_free(struct ctl_http *h)
{
	if (!h)
		return;
	close(h->fd);
	buf_free(&h->line);
	free(h);
}

int ctl_http_status(const struct ctl_http *h)
{
	return h->status;
}

/* --- the body --------------------------------------------------------------------------------- */

static bool chunk_size(struct text line, uint64_t *size)
{
	struct text digits = line;
	char *end;

	text_until(&line, ';', &digits);
	digits = text_trim(digits);
	if (digits.n == 0 || digits.n > 15 || !strchr("0123456789abcdefABCDEF", *digits.p))
		return false;
	*size = strtoull(digits.p, &end, 16);
	return end == digits.p + digits.n;
}

/* Goes on to the next chunk; h->over behind the last one. */
static bool next_chunk(struct ctl_http *h, char **why)
{
	if (!h->first_chunk && (!read_line(h, why) || h->line.len > 0))
		return *why ? false : fail(why, "has a chunk of the wrong size");
	h->first_chunk = false;
	if (!read_line(h, why))
		return false;
	if (!chunk_size(line_of(h), &h->left))
		return fail(why, "has a bad chunk");
	h->over = h->left == 0;
	return true;
}

static ssize_t take_bytes(struct ctl_http *h, char *bytes, size_t n, char **why)
{
	size_t there;

	if (!fill(h, why)) {
		if (!*why && h->framing != UNTIL_CLOSE)
			fail(why, "ends too early");
		return *why ? -1 : 0;
	}
	there = h->to - h->from;
	n = n < there ? n : there;
	if (h->framing != UNTIL_CLOSE && n > h->left)
		n = (size_t)h->left;
	memcpy(bytes, h->bytes + h->from, n);
	h->from += n;
	h->left -= h->framing != UNTIL_CLOSE ? n : 0;
	return (ssize_t)n;
}

ssize_t ctl_http_read(struct ctl_http *h, char *bytes, size_t n, char **why)
{
	*why = NULL;
	if (h->framing == CHUNKED && h->left == 0 && !h->over && !next_chunk(h, why))
		return -1;
	if (h->over || (h->framing == BY_LENGTH && h->left == 0))
		return 0;
	return take_bytes(h, bytes, n, why);
}

bool ctl_http_read_all(struct ctl_http *h, struct buf *body, char **why)
{
	char bytes[BUFFER_SIZE];
	ssize_t n;

	while ((n = ctl_http_read(h, bytes, sizeof(bytes), why)) > 0) {
		if (!buf_add(body, bytes, (size_t)n)) {
			*why = mem_str("the daemon's answer is too large");
			return false;
		}
	}
	return n == 0;
}
