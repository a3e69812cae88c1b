/*
 * texthash:FILE, the file that postmap(1) would index, read as it is: a logical line is "key blanks value";
 * lines that begin with a blank continue the one before; empty lines and lines whose first character behind
 * blanks is # count as nothing, between and inside.
 */
#include "table/type.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

enum { FILE_MAX_BYTES = 256 * 1024 * 1024, READ_SIZE = 64 * 1024 };

struct reading {
	const char *name;
	struct pairs *pairs;
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

/* Bytes of the first word; blanks inside double quotes belong to it (quoted local parts). */
static size_t key_length(struct text t)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < t.n; i++) {
		if (t.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (t.p[i] == ' ' || t.p[i] == '\t'))
			break;
	}
	return i;
}

/* A line without a value is passed over with a warning, as Postfix does, so that its tables work unchanged.
 * */
static void end_logical(struct reading *r)
{
	struct text all = text_trim(text_make(buf_text(&r->line), r->line.len));
	size_t n = key_length(all);
	struct text key = text_make(all.p, n), value = text_trim(text_make(all.p + n, all.n - n));

	if (all.n && value.n == 0)
		log_line(LOG_LEVEL_WARNING, "master", NULL,
		         "texthash:%s: line %u: no value behind the key; the line is ignored", r->name,
		         r->begun);
	else if (all.n && !pairs_add(r->pairs, key, value))
		log_line(LOG_LEVEL_WARNING, "master", NULL,
		         "texthash:%s: line %u: the key \"%.*s\" stands twice; the first value counts",
		         r->name,
		         r->begun, (int)key.n, key.p);
	buf_clear(&r->line);
}

/* False: the line continues nothing. */
static bool take_line(struct reading *r, struct text line)
{
	struct text bare;

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	bare = text_trim(line);
	r->number++;
	if (bare.n == 0 || bare.p[0] == '#')
		return true;
	if (bare.p != line.p) {
		if (r->line.len == 0)
			return false;
		return buf_char(&r->line, ' ') && buf_add(&r->line, bare.p, bare.n);
	}
	end_logical(r);
	r->begun = r->number;
	return buf_add(&r->line, bare.p, bare.n);
}

static bool take_all(struct reading *r, struct text all, char **why)
{
	while (all.n) {
		struct text line = all;

		if (!text_until(&all, '\n', &line))
			all.n = 0;
		if (memchr(line.p, '\0', line.n)) {
			*why = mem_fmt("line %u: a NUL byte: this is not a text file", r->number + 1);
			return false;
		}
		if (!take_line(r, line)) {
			*why = mem_fmt("line %u: begins with a blank, but there is no line to continue",
			               r->number);
			return false;
		}
	}
	end_logical(r);
	return true;
}

static void *texthash_open(const char *name, char **why)
{
	struct reading r = { .name = name, .pairs = pairs_new() };
	struct buf all;
	bool fine;

	buf_init(&all, FILE_MAX_BYTES);
	buf_init(&r.line, FILE_MAX_BYTES);
	fine = read_file(name, &all, why) && take_all(&r, text_make(buf_text(&all), all.len), why);
	buf_free(&all);
	buf_free(&r.line);
	if (fine)
		return r.pairs;
	pairs_free(r.pairs);
	return NULL;
}

static const char *texthash_get(void *opened, const char *key, size_t n, const char **why)
{
	(void)why;
	return pairs_get(opened, key, n);
}

static void texthash_close(void *opened)
{
	pairs_free(opened);
}

const struct table_type table_texthash = { "texthash", texthash_open, texthash_get, texthash_close };
