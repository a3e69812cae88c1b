#include "tool/inject_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { BUFFER_SIZE = 64 * 1024 };

struct inject_input {
	int fd, error;
	bool dot_is_text;
	bool in_line;                /* the piece before did not end its line */
	bool over;                   /* nothing more will be read */
	size_t from, to;             /* what is in the buffer and was not given out */
	char bytes[BUFFER_SIZE];
};

struct inject_input *inject_input_new(int fd, bool dot_is_text)
{
	struct inject_input *in = mem_alloc(sizeof(*in));

	in->fd = fd;
	in->dot_is_text = dot_is_text;
	return in;
}

void inject_input_free(struct inject_input *in)
{
	free(in);
}

int inject_input_error(const struct inject_input *in)
{
	return in->error;
}

/* Reads once into the room behind what is there. */
static void fill(struct inject_input *in)
{
	ssize_t n;

	memmove(in->bytes, in->bytes + in->from, in->to - in->from);
	in->to -= in->from;
	in->from = 0;
	do
		n = read(in->fd, in->bytes + in->to, BUFFER_SIZE - in->to);
	while (n < 0 && errno == EINTR);
	in->over = n <= 0;
	in->error = n < 0 ? errno : 0;
	in->to += n > 0 ? (size_t)n : 0;
}

/* The line at the front, with its end if that is there. */
static struct text front(const struct inject_input *in, size_t searched)
{
	const char *start = in->bytes + in->from;
	const char *lf = memchr(start + searched, '\n', in->to - in->from - searched);

	return text_make(start, lf ? (size_t)(lf - start) + 1 : in->to - in->from);
}

static bool is_whole(struct text line)
{
	return line.n && line.p[line.n - 1] == '\n';
}

static bool is_dot(struct text line)
{
	return text_is(line, ".\n") || text_is(line, ".\r\n") || text_is(line, ".");
}

bool inject_input_next(struct inject_input *in, struct inject_piece *piece)
{
	struct text line = front(in, 0);

	while (!is_whole(line) && !in->over && line.n < BUFFER_SIZE) {
		fill(in);
		line = front(in, line.n);
	}
	if (line.n == 0 || in->error)
		return false;
	*piece = (struct inject_piece){ line, !in->in_line };
	if (piece->starts_line && !in->dot_is_text && is_dot(line)) {
		in->from = in->to;
		in->over = true;
		return false;
	}
	in->from += line.n;
	in->in_line = !is_whole(line);
	return true;
}
