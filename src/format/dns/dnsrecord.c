#include "format/dns/dnsrecord.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum { ALIASES_MAX = 12, SRV_HEAD = 6, MX_HEAD = 2 };

/* What stands in front of the name in a record's data, or -1: there is no name. */
static int name_at(enum dnsmsg_type type)
{
	switch (type) {
	case DNSMSG_MX: return MX_HEAD;
	case DNSMSG_SRV: return SRV_HEAD;
	case DNSMSG_CNAME: case DNSMSG_NS: return 0;
	default: return -1;
	}
}

static bool right_size(const struct dnsmsg_record *r)
{
	return (r->type != DNSMSG_A || r->size == sizeof(struct in_addr))
		&& (r->type != DNSMSG_AAAA || r->size == sizeof(struct in6_addr));
}

/* False if its data is damaged. */
static bool take(const struct dnsmsg *m, const struct dnsmsg_record *r, struct dnsrecord *out)
{
	char name[DNSMSG_NAME_SIZE];
	int skip = name_at(r->type);

	if (!right_size(r) || (skip >= 0 && !dnsmsg_target(m, r, (size_t)skip, name)))
		return false;
	*out = (struct dnsrecord){ .type = r->type, .ttl = r->ttl, .size = r->size };
	if (skip >= 0)
		out->name = mem_str(name);
	if (r->type == DNSMSG_MX || r->type == DNSMSG_SRV)
		out->preference = dnsmsg_number(r, 0);
	if (r->type == DNSMSG_SRV) {
		out->weight = dnsmsg_number(r, 2);
		out->port = dnsmsg_number(r, 4);
	}
	out->data = mem_alloc(r->size);
	if (r->size)
		memcpy(out->data, r->data, r->size);
	return true;
}

static bool append(const struct dnsmsg *m, const struct dnsmsg_record *r, size_t most,
	struct dnsrecord_set *out)
{
	if (out->count == most) {
		out->cut = true;
		return true;
	}
	out->records = mem_grow(out->records, out->count + 1, sizeof out->records[0]);
	if (!take(m, r, &out->records[out->count]))
		return false;
	out->count++;
	return true;
}

/* The records of one owner: those wanted, or where its name is an alias to. */
struct look {
	bool alias, anything, own;
	char target[DNSMSG_NAME_SIZE];
};

static enum dnsrecord_result look_for(struct dnsmsg m, enum dnsmsg_type type, size_t most,
	struct dnsrecord_set *out, struct look *look)
{
	struct dnsmsg_record r;
	enum dnsmsg_result result;

	*look = (struct look){ .alias = false };
	while ((result = dnsmsg_next(&m, &r)) == DNSMSG_RECORD) {
		look->anything = true;
		if (strcasecmp(r.owner, out->owner) != 0)
			continue;
		look->own = true;
		if (r.type == type && !append(&m, &r, most, out))
			return DNSRECORD_DAMAGED;
		if (r.type == DNSMSG_CNAME && type != DNSMSG_CNAME) {
			look->alias = dnsmsg_target(&m, &r, 0, look->target);
			if (!look->alias)
				return DNSRECORD_DAMAGED;
		}
	}
	return result == DNSMSG_BAD ? DNSRECORD_DAMAGED : DNSRECORD_READ;
}

enum dnsrecord_result dnsrecord_read(const struct dnsmsg *m, const char *name, enum dnsmsg_type type,
	size_t most, struct dnsrecord_set *out)
{
	enum dnsrecord_result result;
	struct look look;

	*out = (struct dnsrecord_set){ .count = 0 };
	strncpy(out->owner, name, sizeof out->owner - 1);
	for (unsigned aliases = 0; aliases < ALIASES_MAX; aliases++) {
		result = look_for(*m, type, most, out, &look);
		if (result != DNSRECORD_READ)
			return result;
		if (aliases == 0 && look.anything && !look.own)
			return DNSRECORD_STRANGE;
		if (out->count > 0 || !look.alias)
			return DNSRECORD_READ;
		memcpy(out->owner, look.target, sizeof out->owner);
	}
	return DNSRECORD_CIRCLE;
}

void dnsrecord_clear(struct dnsrecord_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->records[i].name);
		free(set->records[i].data);
	}
	free(set->records);
	*set = (struct dnsrecord_set){ .count = 0 };
}

/* --- in text form --- */

static void print_name(const char *name, struct buf *out)
{
	buf_str(out, name);
	if (strcmp(name, ".") != 0)
		buf_char(out, '.');
}

static void print_address(const struct dnsrecord *r, struct buf *out)
{
	char numeric[INET6_ADDRSTRLEN];

	if (inet_ntop(r->type == DNSMSG_A ? AF_INET : AF_INET6, r->data, numeric, sizeof numeric))
		buf_str(out, numeric);
}

static void print_hex(const uint8_t *data, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_fmt(out, "%02X", data[i]);
}

static void print_data(const struct dnsrecord *r, struct buf *out)
{
	if (r->type == DNSMSG_A || r->type == DNSMSG_AAAA) {
		print_address(r, out);
	} else if (r->type == DNSMSG_MX) {
		buf_fmt(out, "%u ", r->preference);
	} else if (r->type == DNSMSG_SRV) {
		buf_fmt(out, "%u %u %u ", r->preference, r->weight, r->port);
	} else if (r->type == DNSMSG_TLSA && r->size >= 3) {
		buf_fmt(out, "%u %u %u ", r->data[0], r->data[1], r->data[2]);
		print_hex(r->data + 3, r->size - 3, out);
	} else if (!r->name) {
		print_hex(r->data, r->size, out);
	}
	if (r->name)
		print_name(r->name, out);
}

void dnsrecord_print(const char *owner, const struct dnsrecord *r, struct buf *out)
{
	char type[16];

	print_name(owner, out);
	buf_fmt(out, " %u IN %s ", (unsigned)r->ttl, dnsmsg_type_name(r->type, type));
	print_data(r, out);
}
