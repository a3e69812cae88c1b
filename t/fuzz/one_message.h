/* What the targets that read drop files judge the outcome by. */
#ifndef CAUSEWAY_FUZZ_ONE_MESSAGE_H
#define CAUSEWAY_FUZZ_ONE_MESSAGE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

struct outcome {
	struct buf out;      /* the last whole transaction, as a queue file */
	struct buf all;      /* everything that came out */
	char error[512];
	bool wire_form;
};

static inline void must(bool ok)
{
	if (!ok)
		abort();
}

static inline bool is_at(struct text t, size_t at, const char *s)
{
	return t.n - at >= strlen(s) && memcmp(t.p + at, s, strlen(s)) == 0;
}

/* Reads like a server that ends a message at any of the four sequences: the end has to be met at the last
 * byte and nowhere else. */
static inline void must_be_one_message(struct text content)
{
	struct text t;
	struct buf b;

	buf_init(&b, content.n + 2);
	buf_str(&b, "\r\n");
	buf_add(&b, content.p, content.n);
	t = text_make(b.data, b.len);
	for (size_t i = 0; i < t.n; i++) {
		must(t.p[i] != '\r' || is_at(t, i, "\r\n"));
		must(t.p[i] != '\n' || t.p[i - 1] == '\r');
		if (is_at(t, i, "\n.\n") || is_at(t, i, "\n.\r\n"))
			must(i + 4 == t.n);
	}
	must(is_at(t, t.n - 5, "\r\n.\r\n"));
	buf_free(&b);
}

static inline void outcome_release(struct outcome *o)
{
	buf_free(&o->out);
	buf_free(&o->all);
}

/* How a target reads: `file` in pieces of n bytes, into *o, which is new. */
typedef void read_file_fn(struct text file, size_t n, struct outcome *o);

static inline void must_read_back(const struct buf *queue_file, read_file_fn *read_file)
{
	struct outcome o;

	read_file(text_make(queue_file->data, queue_file->len), (size_t)-1, &o);
	must(o.wire_form);
	must(o.all.len == queue_file->len && memcmp(o.all.data, queue_file->data, o.all.len) == 0);
	outcome_release(&o);
}

/* In pieces of n bytes as in one, and what comes out once more. */
static inline void must_read_the_same_in_pieces(struct text file, size_t n, read_file_fn *read_file)
{
	struct outcome whole, cut;

	read_file(file, (size_t)-1, &whole);
	read_file(file, n, &cut);
	must(strcmp(whole.error, cut.error) == 0 && whole.wire_form == cut.wire_form);
	must(whole.all.len == cut.all.len && (whole.all.len == 0 || memcmp(whole.all.data, cut.all.data,
		whole.all.len) == 0));
	if (whole.all.len && !*whole.error)
		must_read_back(&whole.out, read_file);
	outcome_release(&whole);
	outcome_release(&cut);
}

#endif
