#include "base/nearest.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NAME_MAX_LENGTH = 80, ERRORS_MAX = 3 };

struct nearest {
	const char *mistyped;
	size_t length;
	size_t errors;      /* of the best so far; one more than allowed if there is none */
	char *best;
};

struct nearest *nearest_new(const char *mistyped)
{
	struct nearest *n = mem_alloc(sizeof(*n));
	size_t allowed;

	n->mistyped = mistyped;
	n->length = strlen(mistyped);
	allowed = n->length / 4 < ERRORS_MAX ? n->length / 4 : ERRORS_MAX;
	n->errors = allowed + 1;
	return n;
}

void nearest_free(struct nearest *n)
{
	free(n->best);
	free(n);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One row of the table of distances between the beginnings of a and all beginnings of b. */
static void next_row(const char *a, size_t i, const char *b, size_t length, const size_t *before_last,
	const size_t *last, size_t *row)
{
	row[0] = i;
	for (size_t k = 1; k <= length; k++) {
		bool same = a[i - 1] == b[k - 1];

		row[k] = least(last[k - 1] + !same, least(last[k], row[k - 1]) + 1);
		if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
			row[k] = least(row[k], before_last[k - 2] + 1);
	}
}

/* Damerau's distance, where no two letters are exchanged and something put between them. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][NAME_MAX_LENGTH + 1];

	for (size_t k = 0; k <= b_length; k++)
		rows[0][k] = k;
	for (size_t i = 1; i <= a_length; i++)
		next_row(a, i, b, b_length, rows[(i + 1) % 3], rows[(i + 2) % 3], rows[i % 3]);
	return rows[a_length % 3][b_length];
}

/* A prefix that is missing or too many ("smtp_") is one error: the same option has a name in its section and
 * one outside. */
static bool is_tail(const char *whole, size_t whole_length, const char *tail, size_t tail_length)
{
	return tail_length > 0 && whole_length > tail_length + 1 &&
		whole[whole_length - tail_length - 1] == '_' && strcmp(whole + whole_length - tail_length, tail) == 0;
}

/* The lengths alone differ by as much as the best so far. */
static bool is_far(const struct nearest *n, size_t length)
{
	return length >= n->length + n->errors || n->length >= length + n->errors;
}

void nearest_consider(struct nearest *n, const char *name)
{
	size_t length = strlen(name), errors = 1;

	if (length == 0 || length > NAME_MAX_LENGTH || n->length > NAME_MAX_LENGTH)
		return;
	if (!is_tail(n->mistyped, n->length, name, length) && !is_tail(name, length, n->mistyped, n->length))
		errors = is_far(n, length) ? n->errors : distance(n->mistyped, n->length, name, length);
	if (errors >= n->errors)
		return;
	free(n->best);
	n->best = mem_str(name);
	n->errors = errors;
}

void nearest_print(const struct nearest *n, struct buf *out)
{
	if (n->best)
		buf_fmt(out, "; did you mean %s?", n->best);
}
