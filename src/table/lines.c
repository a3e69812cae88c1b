#include "table/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { FILE_MAX_BYTES = 256 * 1024 * 1024, READ_SIZE = 64 * 1024 };

struct reading {
	const struct lines *to;
	struct buf line;             /* the logical line so far */
	unsigned number, begun;      /* lines read; where the logical line began */
};

static bool read_all(int fd, struct buf *out)
{
	char piece[READ_SIZE];
	ssize_t n;

	while ((n = read(fd, piece, sizeof piece)) != 0) {
		if (n > 0 ? !buf_add(out, piece, (size_t)n) : errno != EINTR)
			return false;
	}
	return true;
}

/* The content of the file; false and *why if it cannot be had. */
static bool read_file(const char *name, struct buf *out, char **why)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool fine;

	if (fd < 0) {
		*why = mem_fmt("cannot open: %s", strerror(errno));
		return false;
	}
	fine = read_all(fd, out);
	if (!fine && out->over)
		*why = mem_str("the file is too large");
	else if (!fine)
		*why = mem_fmt("cannot read: %s", strerror(errno));
	close(fd);
	return fine;
}

static bool fail_at(const char *unit, unsigned number, char *complaint, char **why)
{
	*why = mem_fmt("%s %u: %s", unit, number, complaint);
	free(complaint);
	return false;
}

static bool end_logical(struct reading *r, char **why)
{
	struct text all = text_trim(text_make(buf_text(&r->line), r->line.len));
	char *complaint;

	if (all.n && !r->to->take(r->to->arg, r->begun, all, &complaint))
		return fail_at("line", r->begun, complaint, why);
	buf_clear(&r->line);
	return true;
}

/* The content of a file never exceeds the buffer that one line of it is kept in. */
static bool take_line(struct reading *r, struct text line, char **why)
{
	struct text bare;

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	bare = text_trim(line);
	r->number++;
	if (memchr(line.p, '\0', line.n))
		return fail_at("line", r->number, mem_str("a NUL byte: this is not a text file"), why);
	if (bare.n == 0 || bare.p[0] == '#')
		return true;
	if (bare.p != line.p) {
		if (r->line.len == 0)
			return fail_at("line", r->number,
				mem_str("begins with a blank, but there is no line to continue"), why);
		return buf_add(&r->line, line.p, line.n);
	}
	if (!end_logical(r, why))
		return false;
	r->begun = r->number;
	return buf_add(&r->line, line.p, line.n);
}

static bool take_all(struct reading *r, struct text all, char **why)
{
	while (all.n) {
		struct text line = all;

		if (!text_until(&all, '\n', &line))
			all.n = 0;
		if (!take_line(r, line, why))
			return false;
	}
	return end_logical(r, why);
}

bool lines_of_file(const struct lines *to, const char *file, char **why)
{
	struct reading r = { .to = to };
	struct buf all;
	bool fine;

	buf_init(&all, FILE_MAX_BYTES);
	buf_init(&r.line, FILE_MAX_BYTES);
	fine = read_file(file, &all, why) && take_all(&r, text_make(buf_text(&all), all.len), why);
	buf_free(&all);
	buf_free(&r.line);
	return fine;
}

bool lines_inline(const struct lines *to, const char *braces, char **why)
{
	struct text all = text_trim(text_of(braces)), rule;
	unsigned number = 0;
	char *complaint;

	if (!text_unbrace(&all)) {
		*why = mem_str("a closing brace is missing");
		return false;
	}
	while (text_list_next(&all, &rule)) {
		number++;
		if (!text_unbrace(&rule))
			return fail_at("rule", number, mem_str("each rule stands in braces of its own"), why);
		if (rule.n && !to->take(to->arg, number, rule, &complaint))
			return fail_at("rule", number, complaint, why);
	}
	return true;
}
