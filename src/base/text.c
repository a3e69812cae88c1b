#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip(struct text *t, size_t n)
{
	t->p += n;
	t->n -= n;
}

static void skip_blanks(struct text *t)
{
	while (t->n && is_blank(*t->p))
		skip(t, 1);
}

struct text text_of(const char *s)
{
	return s ? text_make(s, strlen(s)) : text_make("", 0);
}

struct text text_make(const char *p, size_t n)
{
	return (struct text){ p, n };
}

struct text text_trim(struct text t)
{
	skip_blanks(&t);
	while (t.n && is_blank(t.p[t.n - 1]))
		t.n--;
	return t;
}

bool text_is(struct text t, const char *s)
{
	size_t n = strlen(s);

	return t.n == n && (n == 0 || memcmp(t.p, s, n) == 0);
}

bool text_is_nocase(struct text t, const char *s)
{
	return t.n == strlen(s) && text_starts_nocase(t, s);
}

bool text_starts_nocase(struct text t, const char *prefix)
{
	size_t n = strlen(prefix);

	return t.n >= n && (n == 0 || strncasecmp(t.p, prefix, n) == 0);
}

bool text_word(struct text *from, struct text *word)
{
	skip_blanks(from);
	*word = text_make(from->p, 0);
	while (from->n && !is_blank(*from->p)) {
		skip(from, 1);
		word->n++;
	}
	return word->n > 0;
}

bool text_until(struct text *from, char stop, struct text *part)
{
	const char *at = from->n ? memchr(from->p, stop, from->n) : NULL;

	if (!at)
		return false;
	*part = text_make(from->p, (size_t)(at - from->p));
	skip(from, part->n + 1);
	return true;
}

bool text_number(struct text *from, uint64_t max, uint64_t *out)
{
	struct text at = *from;
	uint64_t value = 0;

	for (; at.n && isdigit((unsigned char)*at.p); skip(&at, 1)) {
		uint64_t digit = (uint64_t)(*at.p - '0');

		if (value > max / 10 || digit > max - value * 10)
			return false;
		value = value * 10 + digit;
	}
	if (at.n == from->n)
		return false;
	*from = at;
	*out = value;
	return true;
}

static bool is_separator(char c)
{
	return c == ',' || isspace((unsigned char)c);
}

/* Bytes of the element at the front: up to a separator outside braces and quotes. */
static size_t element_length(struct text t)
{
	size_t i, depth = 0;
	bool quoted = false;

	for (i = 0; i < t.n; i++) {
		char c = t.p[i];

		if (!quoted && !depth && is_separator(c))
			break;
		if (c == '"')
			quoted = !quoted;
		else if (c == '{' && !quoted)
			depth++;
		else if (c == '}' && !quoted && depth)
			depth--;
	}
	return i;
}

/* Whether the element is one string in double quotes, which then are not part of it. */
static bool is_quoted_whole(struct text t)
{
	return t.n >= 2 && t.p[0] == '"' && memchr(t.p + 1, '"', t.n - 1) == t.p + t.n - 1;
}

bool text_list_next(struct text *from, struct text *element)
{
	while (from->n && is_separator(*from->p))
		skip(from, 1);
	*element = text_make(from->p, element_length(*from));
	if (element->n == 0)
		return false;
	skip(from, element->n);
	if (is_quoted_whole(*element))
		*element = text_make(element->p + 1, element->n - 2);
	return true;
}

bool text_unbrace(struct text *t)
{
	size_t depth = 0;

	if (t->n < 2 || t->p[0] != '{' || t->p[t->n - 1] != '}')
		return false;
	for (size_t i = 0; i + 1 < t->n; i++) {
		depth += t->p[i] == '{';
		depth -= t->p[i] == '}';
		if (depth == 0)
			return false;   /* what follows is another */
	}
	*t = text_trim(text_make(t->p + 1, t->n - 2));
	return true;
}

bool text_list_has(const char *list, const char *word)
{
	struct text rest = text_of(list), element;

	while (text_list_next(&rest, &element))
		if (text_is_nocase(element, word))
			return true;
	return false;
}

/* The factor of the unit that is all of t. */
static bool duration_unit(struct text t, uint64_t *ms)
{
	static const struct { const char *name; uint64_t ms; } units[] = {
		{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { "w", 604800000 }
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (text_is_nocase(t, units[i].name)) {
			*ms = units[i].ms;
			return true;
		}
	}
	return false;
}

/* Digits behind a decimal point as value / scale. */
static bool fraction(struct text *from, uint64_t *value, uint64_t *scale)
{
	const char *start;

	*value = 0;
	*scale = 1;
	if (!from->n || *from->p != '.')
		return true;
	skip(from, 1);
	start = from->p;
	if (!text_number(from, 999999, value))
		return false;
	for (; start < from->p; start++)
		*scale *= 10;
	return *scale <= 1000000;
}

bool text_duration(struct text t, int64_t *ms)
{
	uint64_t whole, part, scale, unit, exact;

	if (!text_number(&t, INT64_MAX, &whole) || !fraction(&t, &part, &scale) || !duration_unit(t, &unit))
		return false;
	if (part * unit % scale || __builtin_mul_overflow(whole, unit, &exact))
		return false;
	if (__builtin_add_overflow(exact, part * unit / scale, &exact) || exact > INT64_MAX)
		return false;
	*ms = (int64_t)exact;
	return true;
}

void text_duration_print(int64_t ms, struct buf *out)
{
	static const int64_t day = 86400000;

	if (ms && ms % day == 0)
		buf_fmt(out, "%lldd", (long long)(ms / day));
	else if (ms % 1000 == 0)
		buf_fmt(out, "%llds", (long long)(ms / 1000));
	else
		buf_fmt(out, "%lldms", (long long)ms);
}

/* How far to shift for the unit that is all of t: "", "B", "K", "KB", "KiB" and so on. */
static bool size_unit(struct text t, unsigned *shift)
{
	static const char letters[] = "KMGT";
	const char *letter;

	*shift = 0;
	if (t.n == 0 || text_is_nocase(t, "b"))
		return true;
	letter = strchr(letters, toupper((unsigned char)*t.p));
	if (!letter || !*letter)
		return false;
	*shift = 10 * (unsigned)(letter - letters + 1);
	skip(&t, 1);
	return t.n == 0 || text_is_nocase(t, "b") || text_is_nocase(t, "ib");
}

bool text_size(struct text t, uint64_t *bytes)
{
	uint64_t value;
	unsigned shift;

	if (!text_number(&t, UINT64_MAX, &value) || !size_unit(text_trim(t), &shift))
		return false;
	if (value > UINT64_MAX >> shift)
		return false;
	*bytes = value << shift;
	return true;
}

/* Eight bytes at a time: content is checked with this. */
bool text_is_ascii(struct text t)
{
	const uint64_t high = 0x8080808080808080;
	uint64_t word, seen = 0;

	for (; t.n >= sizeof word; skip(&t, sizeof word)) {
		memcpy(&word, t.p, sizeof word);
		seen |= word;
	}
	for (; t.n; skip(&t, 1))
		seen |= (unsigned char)*t.p;
	return !(seen & high);
}

bool text_has_control(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f)
			return true;
	return false;
}

/* Length of the character that begins with this byte and the smallest code which needs that length; 0: no
 * such character. */
static size_t utf8_length(unsigned char first, uint32_t *least)
{
	*least = first < 0xe0 ? 0x80 : first < 0xf0 ? 0x800 : 0x10000;
	return first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

bool text_utf8(struct text *from, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)from->p;
	uint32_t least, value;
	size_t n;

	if (from->n && *p < 0x80) {
		*code = *p;
		skip(from, 1);
		return true;
	}
	n = from->n ? utf8_length(*p, &least) : 0;
	if (n == 0 || n > from->n)
		return false;
	value = *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		value = value << 6 | (p[i] & 0x3f);
	}
	if (value < least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return false;
	*code = value;
	skip(from, n);
	return true;
}

bool text_is_utf8(struct text t)
{
	uint32_t code;

	while (text_utf8(&t, &code))
		;
	return t.n == 0;
}

/* C0, DEL, C1, and what may turn the order of letters around or begin a new line. */
static bool is_hazard(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Bytes at the front that are printable ASCII. */
static size_t plain_length(struct text t)
{
	size_t n = 0;

	while (n < t.n && t.p[n] >= 0x20 && t.p[n] < 0x7f)
		n++;
	return n;
}

/* One character, clean. */
static struct text clean_one(struct text *t)
{
	const char *p = t->p;
	uint32_t code;

	if (!text_utf8(t, &code)) {
		skip(t, 1);
		return text_make("?", 1);
	}
	return is_hazard(code) ? text_make("?", 1) : text_make(p, (size_t)(t->p - p));
}

void text_clean(struct text t, size_t max, struct buf *out)
{
	while (t.n) {
		struct text piece = text_make(t.p, plain_length(t));

		if (piece.n)
			skip(&t, piece.n);
		else
			piece = clean_one(&t);
		if (piece.n > max) {
			buf_add(out, piece.p, (unsigned char)*piece.p < 0x80 ? max : 0);
			buf_str(out, "...");
			return;
		}
		buf_add(out, piece.p, piece.n);
		max -= piece.n;
	}
}

char *text_cleaned(const char *s, size_t max)
{
	struct buf b;

	buf_init(&b, max + sizeof "...");
	text_clean(text_of(s), max, &b);
	return buf_take(&b);
}

const char *text_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}
