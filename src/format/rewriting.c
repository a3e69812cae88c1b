#include "format/rewriting.h"

#include <stdlib.h>

#include "base/mem.h"
#include "format/line_cut.h"

struct rewriting {
	struct rewriting_setup setup;
	struct line_cut cut;
	const char *failure, *dsn;
};

struct rewriting *rewriting_new(const struct rewriting_setup *setup)
{
	struct rewriting *r = mem_alloc(sizeof *r);

	r->setup = *setup;
	line_cut_begin(&r->cut, setup->line_limit);
	return r;
}

void rewriting_free(struct rewriting *r)
{
	free(r);
}

static bool fail(struct rewriting *r, const char *dsn, const char *why)
{
	r->dsn = dsn;
	r->failure = why;
	return false;
}

bool rewriting_add(struct rewriting *r, struct text wire, struct buf *out)
{
	if (r->failure)
		return false;
	return line_cut_add(&r->cut, wire, out) || fail(r, "4.3.0", "the converted message does not fit into memory");
}

const char *rewriting_failure(const struct rewriting *r, const char **dsn)
{
	*dsn = r->dsn;
	return r->failure;
}

bool rewriting_has_cut(const struct rewriting *r)
{
	return r->cut.cut;
}
