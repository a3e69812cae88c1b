#include "queue/route/route.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/address/address.h"
#include "format/address/domain.h"
#include "table/table.h"

enum { KEY_MAX = ADDRESS_MAX + 1 };

#define CONFIGURATION "4.3.5"

struct route {
	const struct settings *settings;
	struct table_list *transport_maps, *mailbox_domains;
	uint64_t signature;
	char *broken;                 /* why one of the two could not be opened; NULL: both are open */
};

/* --- what decides --- */

/* FNV-1a. */
static void mix(uint64_t *sum, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*sum = (*sum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
}

/* The files behind "type:/path". */
static void mix_files(uint64_t *sum, const char *list)
{
	struct text rest = text_of(list), word;
	struct stat st;

	while (text_list_next(&rest, &word)) {
		char *name = mem_strn(word.p, word.n), *path = strstr(name, ":/");

		if (path && stat(path + 1, &st) == 0) {
			mix(sum, &st.st_mtim, sizeof st.st_mtim);
			mix(sum, &st.st_size, sizeof st.st_size);
			mix(sum, &st.st_ino, sizeof st.st_ino);
		}
		free(name);
	}
}

static uint64_t sign(const struct settings *s)
{
	const char *const values[] = {
		s->transport_maps, s->mailbox_domains, s->mailbox_transport, s->default_transport, s->relayhost,
		s->best_mx_transport,
	};
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		mix(&sum, values[i], strlen(values[i]) + 1);
	for (size_t i = 0; i < s->transport_count; i++) {
		mix(&sum, s->transports[i].name, strlen(s->transports[i].name) + 1);
		mix(&sum, s->transports[i].nexthop, strlen(s->transports[i].nexthop) + 1);
	}
	mix_files(&sum, s->transport_maps);
	mix_files(&sum, s->mailbox_domains);
	return sum;
}

uint64_t route_signature(const struct route *r)
{
	return r->signature;
}

/* --- coming and going --- */

/* Gives tables back, or keeps in mind why there are none. */
static struct table_list *opened(struct route *r, const char *parameter, struct table_list *tables, char *why)
{
	if (tables)
		return tables;
	log_line(LOG_LEVEL_ERROR, "qmgr", NULL,
		"%s: %s; mail is deferred until this is repaired and read again", parameter, why);
	if (!r->broken)
		r->broken = mem_fmt("%s: %s", parameter, why);
	free(why);
	return NULL;
}

struct route *route_new(const struct settings *settings)
{
	struct route *r = mem_alloc(sizeof *r);
	struct table_list *tables;
	char *why = NULL;

	r->settings = settings;
	r->signature = sign(settings);
	/* whoever writes an address must not choose where it goes: results without $1 (transport(5)) */
	tables = table_list_open_literal(settings->transport_maps, &why);
	r->transport_maps = opened(r, "transport_maps", tables, why);
	tables = table_list_open(settings->mailbox_domains, &why);
	r->mailbox_domains = opened(r, "mailbox_domains", tables, why);
	return r;
}

void route_free(struct route *r)
{
	if (!r)
		return;
	table_list_free(r->transport_maps);
	table_list_free(r->mailbox_domains);
	free(r->broken);
	free(r);
}

static void refuse(struct route_answer *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void refuse(struct route_answer *a, const char *format, ...)
{
	va_list args;

	a->found = false;
	a->dsn = CONFIGURATION;
	va_start(args, format);
	vsnprintf(a->text, sizeof a->text, format, args);
	va_end(args);
}

/* False, and the complaint, if it is longer than any that could be used. */
static bool set(struct route_answer *a, char *to, size_t room, struct text value, const char *what)
{
	if (value.n >= room) {
		refuse(a, "the %s of the route is too long", what);
		return false;
	}
	memcpy(to, value.p, value.n);
	to[value.n] = '\0';
	return true;
}

/* "transport:nexthop"; a part that is not given is the empty view. */
static void split(const char *value, struct text *transport, struct text *nexthop)
{
	*nexthop = text_trim(text_of(value));
	if (text_until(nexthop, ':', transport))
		return;
	*transport = *nexthop;
	*nexthop = text_make("", 0);
}

/* The address without its "+detail", for the second search of transport(5); false if it has none. */
static bool without_detail(const char *address, struct text domain, char out[KEY_MAX])
{
	const char *plus = strchr(address, '+');

	if (*address == '"' || !plus || plus == address || plus > domain.p)
		return false;
	snprintf(out, KEY_MAX, "%.*s@%.*s", (int)(plus - address), address, (int)domain.n, domain.p);
	return true;
}

/* The value of transport_maps: the whole address, which patterns see too, then without its extension, its
 * domain, ".parents", and "*"; NULL if there is none, *why if the search failed. */
static const char *mapped(struct route *r, const char *address, struct text domain, const char *domain_name,
	const char **why)
{
	struct table_list *maps = r->transport_maps;
	char bare[KEY_MAX];
	const char *value = table_list_get(maps, address, why);

	if (!value && !*why && without_detail(address, domain, bare))
		value = table_list_get_part(maps, bare, why);
	if (!value && !*why)
		value = table_list_get_part(maps, domain_name, why);
	for (const char *dot = strchr(domain_name, '.'); dot && !value && !*why; dot = strchr(dot + 1, '.'))
		value = table_list_get_part(maps, dot, why);
	if (!value && !*why)
		value = table_list_get_part(maps, "*", why);
	return value;
}

/* Where mail goes without transport_maps; relayhost stands for the recipient's domain. */
static bool usual_way(struct route *r, const char *domain, struct text *transport, struct text *nexthop,
	struct route_answer *a)
{
	const struct settings *s = r->settings;
	const char *why = NULL;

	if (table_list_has_domain(r->mailbox_domains, domain, &why)) {
		split(s->mailbox_transport, transport, nexthop);
		a->rule = "mailbox_transport";
		if (transport->n)
			return true;
		refuse(a, "%s is in mailbox_domains, but mailbox_transport is not set", domain);
		return false;
	}
	if (why) {
		refuse(a, "mailbox_domains: %s", why);
		return false;
	}
	split(s->default_transport, transport, nexthop);
	a->rule = "default_transport";
	if (!nexthop->n && *s->relayhost) {
		*nexthop = text_trim(text_of(s->relayhost));
		a->rule = "relayhost";
	}
	return true;
}

/* An empty transport in the map changes the nexthop only; an empty nexthop with a transport is the
 * recipient's domain (transport(5)). */
static bool choose(struct route *r, const char *address, struct text domain, const char *name,
	struct text *transport, struct text *nexthop,
	struct route_answer *a)
{
	const char *why = NULL, *value = mapped(r, address, domain, name, &why);
	struct text map_transport = { "", 0 }, map_nexthop = { "", 0 };

	if (why) {
		refuse(a, "transport_maps: %s", why);
		return false;
	}
	if (value)
		split(value, &map_transport, &map_nexthop);
	a->rule = "transport_maps";
	if (!map_transport.n && !usual_way(r, name, transport, nexthop, a))
		return false;
	if (map_transport.n) {
		*transport = map_transport;
		*nexthop = map_nexthop;
	} else if (map_nexthop.n) {
		*nexthop = map_nexthop;
		a->rule = "transport_maps";
	}
	return true;
}

/* Fills in what the transport itself says, and the recipient's domain where nobody said anything: as a key,
 * for it is one destination however it is written. */
static void complete(struct route *r, struct text transport, struct text nexthop, struct text domain,
	struct route_answer *a)
{
	const struct settings_transport *t;
	char key[DOMAIN_SIZE];

	if (!set(a, a->transport, sizeof a->transport, transport, "transport"))
		return;
	t = settings_transport(r->settings, a->transport);
	if (!t) {
		refuse(a, "the route names the transport \"%s\", but there is none of that name",
			a->transport);
		return;
	}
	if (!nexthop.n)
		nexthop = text_of(t->nexthop);
	if (!nexthop.n)
		nexthop = text_of(domain_key(domain, key));
	a->found = set(a, a->nexthop, sizeof a->nexthop, nexthop, "nexthop");
}

void route_best_mx(struct route *r, const char *address, struct route_answer *a)
{
	struct text local, domain, transport, nexthop;

	a->found = false;
	a->rule = "best_mx_transport";
	a->transport[0] = '\0';
	address_split(text_of(address), &local, &domain);
	split(r->settings->best_mx_transport, &transport, &nexthop);
	complete(r, transport, nexthop, domain, a);
}

void route_find(struct route *r, const char *address, struct route_answer *a)
{
	struct text local, domain, transport, nexthop;
	char name[KEY_MAX];

	a->found = false;
	a->rule = "none";
	a->transport[0] = '\0';
	if (r->broken) {
		refuse(a, "%s", r->broken);
		return;
	}
	address_split(text_of(address), &local, &domain);
	if (!set(a, name, sizeof name, domain, "domain"))
		return;
	if (choose(r, address, domain, name, &transport, &nexthop, a))
		complete(r, transport, nexthop, domain, a);
}
