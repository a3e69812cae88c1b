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

#endif
