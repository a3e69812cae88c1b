/* A DNS message: reading ends, stays inside the packet, and every name in text form is printable and
 * bounded. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/dnsmsg.h"

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
	char name[DNSMSG_NAME_SIZE], address[DNSMSG_ADDRESS_SIZE];

	check_name(r->owner);
	must(r->data == m->packet + r->at && r->at + r->size <= m->size && r->ttl <= INT32_MAX);
	for (size_t skip = 0; skip <= 6; skip += 2)
		if (dnsmsg_target(m, r, skip, name))
			check_name(name);
	if (dnsmsg_address(r, address))
		must(strlen(address) < sizeof address && (r->size == 4 || r->size == 16));
	dnsmsg_number(r, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum dnsmsg_result result;
	struct dnsmsg_record r;
	struct dnsmsg m;
	unsigned count = 0;

	if (!dnsmsg_open(&m, data, size))
		return 0;
	while ((result = dnsmsg_next(&m, &r)) == DNSMSG_RECORD) {
		must(++count <= 65535 && m.at <= m.size);
		check_record(&m, &r);
	}
	must(dnsmsg_next(&m, &r) == DNSMSG_END);
	return 0;
}
