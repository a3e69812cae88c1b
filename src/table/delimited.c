#include "table/delimited.h"

#include <ctype.h>

#include "base/mem.h"

/* Bytes up to the delimiter; a backslash hides the character behind it. All of the text: there is none. */
static size_t pattern_length(struct text t, char delimiter)
{
	size_t i;

	for (i = 0; i < t.n && t.p[i] != delimiter; i++)
		if (t.p[i] == '\\' && i + 1 < t.n)
			i++;
	return i;
}

static bool switch_over(char letter, const struct delimited_flag *known, uint32_t *options)
{
	for (; known->letter; known++) {
		if (known->letter == letter) {
			*options ^= known->options;
			return true;
		}
	}
	return false;
}

static bool take_flags(struct text *line, const struct delimited_flag *known, uint32_t *options, char **why)
{
	while (line->n && !isspace((unsigned char)*line->p)) {
		if (!switch_over(*line->p, known, options)) {
			*why = mem_fmt("there is no flag \"%c\" for a pattern", *line->p);
			return false;
		}
		*line = text_make(line->p + 1, line->n - 1);
	}
	return true;
}

char *delimited_take(struct text *line, const struct delimited_flag *known, uint32_t *options, char **why)
{
	char delimiter = *line->p;
	struct text inside = text_make(line->p + 1, line->n - 1), rest;
	size_t n = pattern_length(inside, delimiter);

	if (isalnum((unsigned char)delimiter)) {
		*why = mem_fmt("neither /pattern/, if, nor endif: \"%.*s\"", (int)(line->n < 40 ? line->n : 40),
			line->p);
		return NULL;
	}
	if (n >= inside.n) {
		*why = mem_fmt("the pattern has no closing \"%c\"", delimiter);
		return NULL;
	}
	rest = text_make(inside.p + n + 1, inside.n - n - 1);
	if (!take_flags(&rest, known, options, why))
		return NULL;
	*line = rest;
	return mem_strn(inside.p, n);
}
