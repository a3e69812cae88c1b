#include "courier/hosts/ports.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "base/text.h"

static bool is_port(struct text t, uint16_t *port)
{
	uint64_t n;

	if (!text_number(&t, UINT16_MAX, &n) || t.n > 0 || n == 0)
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool same(struct text a, struct text b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* How often a name stands in the list; the port is that of the last one. */
static unsigned count_name(const char *known, struct text wanted, uint16_t *port)
{
	struct text rest = text_of(known), element, name;
	unsigned count = 0;

	while (text_list_next(&rest, &element)) {
		unsigned before = count;

		while (text_until(&element, '=', &name))
			count += same(name, wanted);
		if (count > before)
			is_port(element, port);
	}
	return count;
}

bool port_find(const char *known, const char *service, uint16_t *port)
{
	const struct servent *found;

	*port = 0;
	if (is_port(text_of(service), port) || count_name(known, text_of(service), port) > 0)
		return *port > 0;
	found = getservbyname(service, "tcp");
	if (found)
		*port = ntohs((uint16_t)found->s_port);
	return found;
}

bool port_list_check(const char *known, const char **why)
{
	struct text rest = text_of(known), element, name;
	uint16_t port;

	while (text_list_next(&rest, &element)) {
		unsigned names = 0;

		for (; text_until(&element, '=', &name); names++)
			if (name.n == 0 || count_name(known, name, &port) > 1) {
				*why = "a name is empty or stands in the list twice";
				return false;
			}
		if (names == 0 || !is_port(element, &port)) {
			*why = "not a list of name=number or name=name=number";
			return false;
		}
	}
	return true;
}
