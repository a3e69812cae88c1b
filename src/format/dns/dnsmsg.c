#include "format/dns/dnsmsg.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	HEADER_SIZE = 12, QUESTION_SIZE = 4, RECORD_SIZE = 10,   /* the fixed parts */
	NAME_MAX_BYTES = 255, LABEL_MAX = 63,
	FLAG_QR = 0x8000, FLAG_TC = 0x0200, FLAG_AD = 0x0020,
	CLASS_IN = 1
};

static const struct {
	enum dnsmsg_type type;
	const char *name;
} types[] = {
	{ DNSMSG_A, "A" }, { DNSMSG_NS, "NS" }, { DNSMSG_CNAME, "CNAME" }, { DNSMSG_SOA, "SOA" },
	{ DNSMSG_MX, "MX" },
	{ DNSMSG_TXT, "TXT" }, { DNSMSG_AAAA, "AAAA" }, { DNSMSG_SRV, "SRV" }, { DNSMSG_DS, "DS" },
	{ DNSMSG_DNSKEY, "DNSKEY" }, { DNSMSG_TLSA, "TLSA" },
};

const char *dnsmsg_type_name(enum dnsmsg_type type, char out[16])
{
	snprintf(out, 16, "TYPE%u", (unsigned)type);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].type == type)
			snprintf(out, 16, "%s", types[i].name);
	return out;
}

enum dnsmsg_type dnsmsg_type_of(const char *name)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcasecmp(types[i].name, name) == 0)
			return types[i].type;
	return 0;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Whether n bytes stand at that place of the packet. */
static bool holds(const struct dnsmsg *m, size_t at, size_t n)
{
	return at <= m->size && n <= m->size - at;
}

static void print_label(const uint8_t *p, size_t n, char **out)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] > ' ' && p[i] < 0x7f && p[i] != '.' && p[i] != '\\')
			*(*out)++ = (char)p[i];
		else
			*out += snprintf(*out, 5, "\\%03u", p[i]);
	}
}

/* Follows the pointer at *at, which has to lead to before start, where the labels at hand began. */
static bool follow(const struct dnsmsg *m, size_t *at, size_t *start)
{
	size_t to;

	if (!holds(m, *at, 2))
		return false;
	to = get16(m->packet + *at) & 0x3fff;
	if (to >= *start)
		return false;
	*at = *start = to;
	return true;
}

bool dnsmsg_name(const struct dnsmsg *m, size_t at, char out[DNSMSG_NAME_SIZE], size_t *after)
{
	size_t start = at, used = 1;
	char *end = out;
	bool jumped = false;

	while (holds(m, at, 1) && m->packet[at]) {
		size_t n = m->packet[at];

		if (n >= 0xc0) {
			if (!jumped)
				*after = at + 2;
			jumped = true;
			if (!follow(m, &at, &start))
				return false;
			continue;
		}
		used += n + 1;
		if (n > LABEL_MAX || used > NAME_MAX_BYTES || !holds(m, at, n + 1))
			return false;
		if (end > out)
			*end++ = '.';
		print_label(m->packet + at + 1, n, &end);
		at += n + 1;
	}
	if (end == out)
		*end++ = '.';
	*end = '\0';
	if (!jumped)
		*after = at + 1;
	return holds(m, at, 1);
}

static bool skip_questions(struct dnsmsg *m, unsigned count)
{
	char name[DNSMSG_NAME_SIZE];

	while (count-- > 0) {
		if (!dnsmsg_name(m, m->at, name, &m->at) || !holds(m, m->at, QUESTION_SIZE))
			return false;
		m->at += QUESTION_SIZE;
	}
	return true;
}

bool dnsmsg_open(struct dnsmsg *m, const void *packet, size_t size)
{
	unsigned flags;

	*m = (struct dnsmsg){ .packet = packet, .size = size, .at = HEADER_SIZE };
	if (!holds(m, 0, HEADER_SIZE))
		return false;
	flags = get16(m->packet + 2);
	m->rcode = flags & 15;
	m->truncated = flags & FLAG_TC;
	m->authentic = flags & FLAG_AD;
	m->left = get16(m->packet + 6);
	m->authorities = get16(m->packet + 8);
	return (flags & FLAG_QR) && skip_questions(m, get16(m->packet + 4));
}

static uint32_t get_ttl(const uint8_t *p)
{
	uint32_t ttl = (uint32_t)get16(p) << 16 | get16(p + 2);

	return ttl >> 31 ? 0 : ttl;
}

/* Reads the record at hand, of whatever class. */
static bool read_record(struct dnsmsg *m, struct dnsmsg_record *out, unsigned *class)
{
	const uint8_t *p;

	if (!dnsmsg_name(m, m->at, out->owner, &m->at) || !holds(m, m->at, RECORD_SIZE))
		return false;
	p = m->packet + m->at;
	out->type = (uint16_t)get16(p);
	*class = get16(p + 2);
	out->ttl = get_ttl(p + 4);
	out->size = get16(p + 8);
	out->at = m->at + RECORD_SIZE;
	out->data = m->packet + out->at;
	m->at = out->at + out->size;
	return holds(m, out->at, out->size);
}

enum dnsmsg_result dnsmsg_next(struct dnsmsg *m, struct dnsmsg_record *out)
{
	unsigned class;

	while (m->left > 0) {
		m->left--;
		if (!read_record(m, out, &class)) {
			m->left = 0;
			return DNSMSG_BAD;
		}
		if (class == CLASS_IN)
			return DNSMSG_RECORD;
	}
	return DNSMSG_END;
}

bool dnsmsg_target(const struct dnsmsg *m, const struct dnsmsg_record *r, size_t skip,
	char out[DNSMSG_NAME_SIZE])
{
	size_t after;

	return skip < r->size && dnsmsg_name(m, r->at + skip, out, &after) && after == r->at + r->size;
}

uint16_t dnsmsg_number(const struct dnsmsg_record *r, size_t at)
{
	return r->size >= 2 && at <= r->size - 2 ? (uint16_t)get16(r->data + at) : 0;
}
