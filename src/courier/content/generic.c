#include "courier/content/generic.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/address/address.h"
#include "format/content/line_cut.h"
#include "format/header/address_header.h"
#include "table/table.h"

enum { WHY_MAX = 2048 };

struct generic {
	const struct settings *settings;
	struct table_list *tables;
	struct table_list *local;        /* mailbox_domains */
	bool propagates;
	struct address_header result;    /* reads what the tables give */
	struct address_header field;     /* reads a header field */
	struct buf mapped;
	struct buf why;
};

/* The address at hand. */
struct question {
	struct generic *g;
	struct text local, domain;       /* local is plain, as it stands without quotes */
	struct text extension;           /* at the end of local, with its delimiter; empty if there is none */
	struct text unmatched;           /* the extension, where a key without it was found */
	struct buf plain, key;
	const char *why;
};

/* --- coming and going --- */

struct generic *generic_new(const struct settings *s, const struct manner *m, char **why)
{
	struct generic *g;

	*why = NULL;
	if (!*m->generic_maps)
		return NULL;
	g = mem_alloc(sizeof *g);
	g->settings = s;
	g->propagates = text_list_has(s->propagate_unmatched_extensions, "generic");
	address_header_init(&g->result);
	address_header_init(&g->field);
	buf_init(&g->mapped, ADDRESS_MAX);
	buf_init(&g->why, WHY_MAX);
	g->tables = table_list_open_tables(m->generic_maps, why);
	if (g->tables)
		g->local = table_list_open(s->mailbox_domains, why);
	if (g->local)
		return g;
	generic_free(g);
	return NULL;
}

void generic_free(struct generic *g)
{
	if (!g)
		return;
	table_list_free(g->tables);
	table_list_free(g->local);
	address_header_free(&g->result);
	address_header_free(&g->field);
	buf_free(&g->mapped);
	buf_free(&g->why);
	free(g);
}

/* --- looking up --- */

typedef const char *lookup(struct table_list *, const char *key, const char **why);

/* local@domain as a key, quoted only where it has to be. */
static const char *ask(struct question *q, lookup *get, struct text local, struct text domain)
{
	buf_clear(&q->key);
	if (local.n && !address_quote(local, &q->key))
		return NULL;
	if (domain.n) {
		buf_char(&q->key, '@');
		buf_add(&q->key, domain.p, domain.n);
	}
	return q->key.over ? NULL : get(q->g->tables, buf_text(&q->key), &q->why);
}

/* The address, and then the same without its extension. */
static const char *ask_address(struct question *q, lookup *get, struct text domain)
{
	const char *found = ask(q, get, q->local, domain);

	if (found || q->why || q->extension.n == 0)
		return found;
	found = ask(q, table_list_get_part, text_make(q->local.p, q->local.n - q->extension.n), domain);
	if (found)
		q->unmatched = q->extension;
	return found;
}

static bool is_local(struct question *q)
{
	char *domain = mem_strn(q->domain.p, q->domain.n);
	bool local = text_is_nocase(q->domain, q->g->settings->myorigin)
		|| table_list_has_domain(q->g->local, domain, &q->why);

	free(domain);
	return local;
}

static const char *search(struct question *q)
{
	const char *found = ask_address(q, table_list_get, q->domain);

	if (!found && !q->why && is_local(q))
		found = ask_address(q, table_list_get_part, text_of(""));
	if (!found && !q->why)
		found = ask(q, table_list_get_part, text_of(""), q->domain);
	return found;
}

/* --- the result --- */

/* text is used up. */
static enum generic_result fail(struct generic *g, const char **why, char *text)
{
	buf_clear(&g->why);
	text_clean(text_of(text), WHY_MAX / 4, &g->why);
	free(text);
	*why = buf_text(&g->why);
	return GENERIC_ERROR;
}

/* Puts local part and domain together, and the extension that no key named between them. */
static bool compose(const struct question *q, struct text local, struct text domain, struct buf *out)
{
	struct buf plain;
	bool good;

	buf_init(&plain, ADDRESS_MAX);
	address_unquote(local, &plain);
	if (q->g->propagates)
		buf_add(&plain, q->unmatched.p, q->unmatched.n);
	good = !plain.over && address_quote(text_make(buf_text(&plain), plain.len), out);
	buf_free(&plain);
	buf_char(out, '@');
	buf_add(out, domain.p, domain.n);
	return good && !out->over;
}

/* "@domain": the local part stays, but for what no key named. */
static bool change_domain(const struct question *q, struct text domain, struct buf *out)
{
	struct text local = text_make(q->local.p, q->local.n - q->unmatched.n);
	struct buf quoted;
	bool good;

	buf_init(&quoted, ADDRESS_MAX);
	good = address_quote(local, &quoted)
		&& compose(q, text_make(buf_text(&quoted), quoted.len), domain, out);
	buf_free(&quoted);
	return good;
}

/* The first address of the result. */
static bool take_result(const struct question *q, const char *result, struct buf *out)
{
	struct address_header *addresses = &q->g->result;
	struct text local, domain;
	const char *ignored;
	bool good;

	if (*result == '@')
		return change_domain(q, text_trim(text_of(result + 1)), out)
			&& address_check(text_make(out->data, out->len), &ignored);
	address_header_begin(addresses, text_of(result));
	if (!address_header_next(addresses))
		return false;
	address_split(text_make(addresses->address.data, addresses->address.len), &local, &domain);
	good = compose(q, local, domain.n ? domain : text_of(q->g->settings->myorigin), out);
	if (address_header_next(addresses))
		log_line(LOG_LEVEL_WARNING, NULL, NULL,
			"generic_maps: %s: the result \"%s\" has several addresses: the first one counts",
			buf_text(&q->key), result);
	return good;
}

/* --- one address --- */

static void pose(struct question *q, struct generic *g, struct text address)
{
	struct text local, domain;

	*q = (struct question){ .g = g };
	buf_init(&q->plain, ADDRESS_MAX);
	buf_init(&q->key, 3 * ADDRESS_MAX);
	address_split(address, &local, &domain);
	address_unquote(local, &q->plain);
	q->local = text_make(buf_text(&q->plain), q->plain.len);
	q->domain = domain.n ? domain : text_of(g->settings->myorigin);
	q->extension = address_extension(q->local, g->settings->recipient_delimiter);
}

static bool same(struct text a, const struct buf *b)
{
	return a.n == b->len && memcmp(a.p, b->data, a.n) == 0;
}

enum generic_result generic_map(struct generic *g, struct text address, struct buf *out, const char **why)
{
	enum generic_result result = GENERIC_SAME;
	struct question q;
	const char *found;

	buf_clear(out);
	if (address.n == 0)
		return GENERIC_SAME;
	pose(&q, g, address);
	found = search(&q);
	if (q.why)
		result = fail(g, why, mem_fmt("generic_maps: %s: %s", buf_text(&q.key), q.why));
	else if (found && !take_result(&q, found, out))
		result = fail(g, why, mem_fmt("generic_maps: %s: the result \"%s\" is no address",
			buf_text(&q.key), found));
	else if (found && !same(address, out))
		result = GENERIC_OTHER;
	buf_free(&q.plain);
	buf_free(&q.key);
	return result;
}

/* --- an envelope --- */

/* The address or what becomes of it, valid until the next; NULL and *why. */
static const char *outside(struct generic *g, const char *address, const char **why)
{
	switch (generic_map(g, text_of(address), &g->mapped, why)) {
	case GENERIC_SAME:
		return address;
	case GENERIC_OTHER:
		return buf_text(&g->mapped);
	case GENERIC_ERROR:
		break;
	}
	return NULL;
}

struct envelope *generic_envelope(struct generic *g, const struct envelope *e, const char **why)
{
	struct envelope *copy = envelope_new();
	const char *address = outside(g, e->sender, why);

	if (address) {
		free(copy->sender);
		copy->sender = mem_str(address);
	}
	for (size_t i = 0; address && i < e->count; i++) {
		address = outside(g, e->rcpts[i].address, why);
		if (address)
			envelope_add(copy, address, NULL, 0);
	}
	if (address)
		return copy;
	envelope_free(copy);
	return NULL;
}

/* --- a header field --- */

/* Whether n more bytes make the last line in out, of what came since, too long. */
static bool is_full(const struct buf *out, size_t since, size_t n)
{
	size_t at = out->len;

	while (n <= LINE_LONG && at > since && out->data[at - 1] != '\n') {
		at--;
		n++;
	}
	return n > LINE_LONG;
}

bool generic_field(struct generic *g, struct text field, struct text value, struct buf *out, const char **why)
{
	const char *done = field.p;
	size_t from = out->len;
	enum generic_result r;

	address_header_begin(&g->field, value);
	while (address_header_next(&g->field)) {
		struct text at = g->field.at;

		r = generic_map(g, text_make(g->field.address.data, g->field.address.len), &g->mapped, why);
		if (r == GENERIC_ERROR)
			return false;
		if (r == GENERIC_SAME)
			continue;
		buf_add(out, done, (size_t)(at.p - done));
		if (is_full(out, from, g->mapped.len))
			buf_str(out, "\r\n\t");
		buf_add(out, g->mapped.data, g->mapped.len);
		done = at.p + at.n;
	}
	buf_add(out, done, (size_t)(field.p + field.n - done));
	return true;
}
