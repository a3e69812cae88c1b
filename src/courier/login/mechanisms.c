#include "courier/login/mechanisms.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

static bool passes(const struct match_list *filter, struct text mechanism, const char **why)
{
	char *name = mem_strn(mechanism.p, mechanism.n);
	bool good = match_list_empty(filter) || match_list_has(filter, name, MATCH_ITSELF, why);

	free(name);
	return good;
}

bool mechanisms_filter(const struct match_list *filter, const char *offered, struct buf *out,
	const char **why)
{
	struct text rest = text_of(offered), word;

	*why = NULL;
	while (!*why && text_word(&rest, &word)) {
		if (!passes(filter, word, why))
			continue;
		if (out->len)
			buf_char(out, ' ');
		buf_add(out, word.p, word.n);
	}
	return !*why;
}
