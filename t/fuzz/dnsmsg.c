/* A DNS message: reading ends, stays inside the packet, and every name in text form is printable and
 * bounded; and so do the records of each type, as they are kept and printed. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/dns/dnsrecord.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_name(const char *name)
{
	must(*name && strlen(name) < DNSMSG_NAME_SIZE);
	for (; *name; name++)
		must(*name > ' ' && *name < 0x7f);
}

static void check_record(const struct dnsmsg *m, const struct dnsmsg_record *r)
{
	char name[DNSMSG_NAME_SIZE];

	check_name(r->owner);
	must(r->data == m->packet + r->at && r->at + r->size <= m->size && r->ttl <= INT32_MAX);
	for (size_t skip = 0; skip <= 6; skip += 2)
		if (dnsmsg_target(m, r, skip, name))
			check_name(name);
	dnsmsg_number(r, 0);
}

static void check_kept(const struct dnsrecord *r, enum dnsmsg_type type)
{
	struct buf out;

	must(r->type == type && r->ttl <= INT32_MAX);
	if (r->name)
		check_name(r->name);
	buf_init(&out, 1 << 20);
	dnsrecord_print("example.test", r, &out);
	must(!out.over && out.len > 0);
	buf_free(&out);
}

static void check_records(const struct dnsmsg *m, const char *name)
{
	static const enum dnsmsg_type types[] = {
		DNSMSG_A, DNSMSG_AAAA, DNSMSG_MX, DNSMSG_SRV, DNSMSG_CNAME, DNSMSG_TLSA, DNSMSG_TXT,
	};
	struct dnsrecord_set set;

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		dnsrecord_read(m, name, types[i], 20, &set);
		must(set.count <= 20);
		check_name(set.owner);
		for (size_t k = 0; k < set.count; k++)
			check_kept(&set.records[k], types[i]);
		dnsrecord_clear(&set);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum dnsmsg_result result;
	struct dnsmsg_record r;
	struct dnsmsg m;
	unsigned count = 0;
	char name[DNSMSG_NAME_SIZE];
	size_t after;

	if (!dnsmsg_open(&m, data, size))
		return 0;
	check_records(&m, "a.test");
	if (m.left > 0 && m.at < size && dnsmsg_name(&m, m.at, name, &after))
		check_records(&m, name);
	while ((result = dnsmsg_next(&m, &r)) == DNSMSG_RECORD) {
		must(++count <= 65535 && m.at <= m.size);
		check_record(&m, &r);
	}
	must(dnsmsg_next(&m, &r) == DNSMSG_END);
	return 0;
}
