#include "courier/hosts/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "courier/hosts/dead_addresses.h"
#include "courier/hosts/own_addresses.h"

/* --- targets --- */

bool targets_add(struct targets *t, const char *name, uint16_t preference, uint16_t weight, uint16_t port)
{
	if (t->count == CANDIDATES_MAX)
		return false;
	t->list = mem_grow(t->list, t->count + 1, sizeof t->list[0]);
	t->list[t->count++] = (struct target){ .name = mem_str(name), .preference = preference, .weight = weight,
		.port = port };
	return true;
}

void targets_clear(struct targets *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->list[i].name);
		free(t->list[i].canonical);
	}
	free(t->list);
	*t = (struct targets){ .count = 0 };
}

static void swap_targets(struct target *a, struct target *b)
{
	struct target t = *a;

	*a = *b;
	*b = t;
}

void targets_sort(struct targets *t)
{
	for (size_t i = 1; i < t->count; i++)
		for (size_t to = i; to > 0 && t->list[to - 1].preference > t->list[to].preference; to--)
			swap_targets(&t->list[to - 1], &t->list[to]);
}

/* Brings one of count targets to the front, each with the chance that its weight gives it. */
static void draw(struct target *list, size_t count)
{
	uint32_t sum = 0, mark;

	for (size_t i = 0; i < count; i++)
		sum += list[i].weight;
	if (sum == 0)
		return;
	mark = arc4random_uniform(sum);
	for (size_t i = 0; i < count; i++) {
		if (mark < list[i].weight) {
			swap_targets(&list[0], &list[i]);
			return;
		}
		mark -= list[i].weight;
	}
}

static size_t count_equal(const struct targets *t, size_t from)
{
	size_t end = from;

	while (end < t->count && t->list[end].preference == t->list[from].preference)
		end++;
	return end - from;
}

void targets_sort_srv(struct targets *t)
{
	for (size_t i = t->count; i > 1; i--)
		swap_targets(&t->list[i - 1], &t->list[arc4random_uniform((uint32_t)i)]);
	targets_sort(t);
	for (size_t from = 0; from < t->count; from++)
		draw(&t->list[from], count_equal(t, from));
}

/* --- candidates --- */

void candidates_clear(struct candidates *c)
{
	free(c->list);
	*c = (struct candidates){ .count = 0 };
}

struct candidates candidates_copy(const struct candidates *c)
{
	struct candidates copy = { .list = mem_grow(NULL, c->count + 1, sizeof c->list[0]), .count = c->count };

	if (c->count > 0)
		memcpy(copy.list, c->list, c->count * sizeof c->list[0]);
	return copy;
}

bool candidates_add(struct candidates *c, const struct target *target, const struct endpoint *at, bool secure)
{
	if (c->count == CANDIDATES_MAX)
		return false;
	c->list = mem_grow(c->list, c->count + 1, sizeof c->list[0]);
	c->list[c->count++] = (struct candidate){ target, *at, secure, false };
	return true;
}

static void shuffle(struct candidates *c)
{
	for (size_t i = c->count; i > 1; i--) {
		size_t other = arc4random_uniform((uint32_t)i);
		struct candidate t = c->list[i - 1];

		c->list[i - 1] = c->list[other];
		c->list[other] = t;
	}
}

/* A stable sort; goes_first compares two neighbours. */
static void sort(struct candidates *c, bool (*goes_first)(const void *arg, const struct candidate *a,
	const struct candidate *b), const void *arg)
{
	for (size_t i = 1; i < c->count; i++) {
		struct candidate one = c->list[i];
		size_t to = i;

		for (; to > 0 && goes_first(arg, &one, &c->list[to - 1]); to--)
			c->list[to] = c->list[to - 1];
		c->list[to] = one;
	}
}

static bool prefers(const void *arg, const struct candidate *a, const struct candidate *b)
{
	const int *family = arg;

	if (a->target->preference != b->target->preference)
		return a->target->preference < b->target->preference;
	return *family != PREFER_ANY && endpoint_is_v6(&a->at) != endpoint_is_v6(&b->at)
		&& endpoint_is_v6(&a->at) == (*family == PREFER_IPV6);
}

static size_t count_family(const struct candidates *c, bool v6)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += endpoint_is_v6(&c->list[i].at) == v6;
	return n;
}

/* How many of a family stay when most are left of both together: the smaller one keeps what fits into half,
 * the odd one goes to the family that is first. */
static size_t share(size_t own, size_t other, size_t most, bool first)
{
	size_t half = most / 2;

	if (own <= half)
		return own;
	if (other <= half)
		return most - other;
	return half + (first ? most % 2 : 0);
}

void candidates_balance(struct candidates *c, const struct manner *m)
{
	size_t most = (size_t)m->mx_address_limit, room[2], kept = 0;
	size_t v4 = count_family(c, false), v6 = count_family(c, true);

	if (!m->balance_inet_protocols || most == 0 || c->count <= most || v4 == 0 || v6 == 0)
		return;
	room[false] = share(v4, v6, most, !endpoint_is_v6(&c->list[0].at));
	room[true] = share(v6, v4, most, endpoint_is_v6(&c->list[0].at));
	for (size_t i = 0; i < c->count; i++) {
		size_t *left = &room[endpoint_is_v6(&c->list[i].at)];

		if (*left == 0)
			continue;
		(*left)--;
		c->list[kept++] = c->list[i];
	}
	c->count = kept;
}

void candidates_arrange(struct candidates *c, const struct manner *m, bool families)
{
	const int any = PREFER_ANY;

	if (m->randomize_addresses)
		shuffle(c);
	sort(c, prefers, families ? &m->address_preference : &any);
	candidates_balance(c, m);
}

static bool answers_better(const void *arg, const struct candidate *a, const struct candidate *b)
{
	(void)arg;
	return !a->dead && b->dead;
}

void candidates_dead_last(struct candidates *c, struct dead_addresses *dead)
{
	int64_t since;

	for (size_t i = 0; i < c->count; i++)
		c->list[i].dead = dead_addresses_has(dead, &c->list[i].at, &since);
	sort(c, answers_better, NULL);
}

const struct candidate *candidates_self(const struct candidates *c, const struct own_addresses *own)
{
	for (size_t i = 0; i < c->count; i++)
		if (own_addresses_has(own, &c->list[i].at))
			return &c->list[i];
	return NULL;
}

void candidates_cut(struct candidates *c, uint16_t preference)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++)
		if (c->list[i].target->preference < preference)
			c->list[kept++] = c->list[i];
	c->count = kept;
}
