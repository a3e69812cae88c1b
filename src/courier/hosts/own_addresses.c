#include "courier/hosts/own_addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

struct own_addresses {
	struct endpoint *list;
	size_t count;
};

static void add(struct own_addresses *o, const struct sockaddr *address)
{
	struct endpoint e = { .size = 0 };

	if (address->sa_family == AF_INET)
		memcpy(&e.at.v4, address, e.size = sizeof e.at.v4);
	else if (address->sa_family == AF_INET6)
		memcpy(&e.at.v6, address, e.size = sizeof e.at.v6);
	else
		return;
	if (own_addresses_has(o, &e))
		return;
	o->list = mem_grow(o->list, o->count + 1, sizeof o->list[0]);
	o->list[o->count++] = e;
}

static void add_interfaces(struct own_addresses *o, unsigned flags)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0) {
		log_line(LOG_LEVEL_WARNING, NULL, NULL,
			"inet_interfaces: the addresses of this host cannot be read; mail loops are found later, by the "
			"number of Received fields");
		return;
	}
	for (const struct ifaddrs *one = all; one; one = one->ifa_next)
		if (one->ifa_addr && (one->ifa_flags & flags) == flags)
			add(o, one->ifa_addr);
	freeifaddrs(all);
}

static bool add_by_system(struct own_addresses *o, const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return false;
	for (const struct addrinfo *one = found; one; one = one->ai_next)
		add(o, one->ai_addr);
	freeaddrinfo(found);
	return true;
}

static void add_host(struct own_addresses *o, const char *parameter, const char *name,
	const struct hosts_file *hosts)
{
	struct endpoint numeric;
	const struct endpoint *known;
	size_t count;

	if (endpoint_inet(&numeric, name, 0)) {
		add(o, &numeric.at.any);
		return;
	}
	known = hosts_file_find(hosts, name, &count);
	for (size_t i = 0; i < count; i++)
		add(o, &known[i].at.any);
	if (count == 0 && !add_by_system(o, name))
		log_line(LOG_LEVEL_WARNING, NULL, NULL,
			"%s: there is no host '%s' at the moment; mail that would loop to it is not noticed", parameter,
			name);
}

/* "[192.0.2.1]", "[ipv6:2001:db8::1]", or as it stands. */
static struct text bare(struct text word)
{
	if (word.n < 2 || word.p[0] != '[' || word.p[word.n - 1] != ']')
		return word;
	word = text_make(word.p + 1, word.n - 2);
	if (text_starts_nocase(word, "ipv6:"))
		word = text_make(word.p + strlen("ipv6:"), word.n - strlen("ipv6:"));
	return word;
}

static void add_list(struct own_addresses *o, const char *parameter, const char *list,
	const struct hosts_file *hosts)
{
	struct text rest = text_of(list), word;

	while (text_list_next(&rest, &word)) {
		char *name;

		if (text_is_nocase(word, "all")) {
			add_interfaces(o, 0);
			continue;
		}
		if (text_is_nocase(word, "loopback-only")) {
			add_interfaces(o, IFF_LOOPBACK);
			continue;
		}
		word = bare(word);
		name = mem_strn(word.p, word.n);
		add_host(o, parameter, name, hosts);
		free(name);
	}
}

struct own_addresses *own_addresses_new(const char *inet_interfaces, const char *proxy_interfaces,
	const struct hosts_file *hosts)
{
	struct own_addresses *o = mem_alloc(sizeof *o);

	add_list(o, "inet_interfaces", inet_interfaces, hosts);
	add_list(o, "proxy_interfaces", proxy_interfaces, hosts);
	return o;
}

void own_addresses_free(struct own_addresses *o)
{
	if (!o)
		return;
	free(o->list);
	free(o);
}

static bool same_host(const struct endpoint *a, const struct endpoint *b)
{
	if (endpoint_is_unix(a) || endpoint_is_unix(b) || endpoint_is_v6(a) != endpoint_is_v6(b))
		return false;
	if (endpoint_is_v6(a))
		return memcmp(&a->at.v6.sin6_addr, &b->at.v6.sin6_addr, sizeof a->at.v6.sin6_addr) == 0;
	return a->at.v4.sin_addr.s_addr == b->at.v4.sin_addr.s_addr;
}

bool own_addresses_has(const struct own_addresses *o, const struct endpoint *e)
{
	for (size_t i = 0; o && i < o->count; i++)
		if (same_host(&o->list[i], e))
			return true;
	return false;
}
