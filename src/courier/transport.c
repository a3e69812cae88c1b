#include "courier/transport.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "courier/content/checks.h"
#include "courier/content/generic.h"
#include "courier/hosts/ports.h"
#include "courier/login/credentials.h"
#include "format/address/domain.h"
#include "format/smtp/ehlo.h"
#include "table/match_list.h"
#include "table/table.h"

#define LIST_MAX (1024 * 1024)

struct transports {
	const struct settings *settings;
	struct transport *all;           /* in the order of the settings */
};

/* --- reading --- */

/* An address, in brackets if one likes. */
static bool read_address(const char *text, bool v6, struct endpoint *out, char **why)
{
	struct text t = text_of(text);
	char *bare;
	bool good;

	if (t.n == 0)
		return true;
	if (t.n > 2 && t.p[0] == '[' && t.p[t.n - 1] == ']')
		t = text_make(t.p + 1, t.n - 2);
	if (v6 && text_starts_nocase(t, "ipv6:"))
		t = text_make(t.p + strlen("ipv6:"), t.n - strlen("ipv6:"));
	bare = mem_strn(t.p, t.n);
	good = endpoint_inet(out, bare, 0) && endpoint_is_v6(out) == v6;
	free(bare);
	if (!good)
		*why = mem_fmt("'%s' is not an %s address", text, v6 ? "IPv6" : "IPv4");
	return good;
}

/* inet_interfaces = one address of a family makes it the one to connect from, unless it is for this host
 * only. */
static void take_interface(const struct settings *s, bool v6, struct endpoint *out)
{
	struct text rest = text_of(s->inet_interfaces), word;
	struct endpoint found = { .size = 0 };
	char *ignored = NULL;
	size_t count = 0;

	if (out->size > 0)
		return;
	while (text_list_next(&rest, &word)) {
		char *name = mem_strn(word.p, word.n);

		count += read_address(name, v6, &found, &ignored);
		free(ignored);
		ignored = NULL;
		free(name);
	}
	if (count == 1 && !endpoint_is_loopback(&found))
		*out = found;
}

/* In the list of those kept a socket may stand with or without "unix:". */
static bool read_kept(struct transport *t, char **why)
{
	struct text rest = text_of(t->manner->connection_cache_destinations), element;
	struct buf list;

	buf_init(&list, LIST_MAX);
	while (text_list_next(&rest, &element)) {
		domain_lmtp(&element);
		buf_fmt(&list, "%.*s ", (int)element.n, element.p);
	}
	t->kept = match_list_open(buf_text(&list), MATCH_PATHS, why);
	buf_free(&list);
	return t->kept;
}

/* Tables that say more than a default, or NULL in *list. */
static bool read_maps(const char *maps, struct table_list **list, char **why)
{
	if (*maps)
		*list = table_list_open_tables(maps, why);
	return !*maps || *list;
}

static bool read_filter(struct transport *t, char **why)
{
	const char *table = t->manner->reply_filter;

	if (*table)
		t->reply_filter = table_open(table, why);
	return !*table || t->reply_filter;
}

static bool has_word(const char *list, const char *wanted)
{
	struct text rest = text_of(list), word;

	while (text_list_next(&rest, &word))
		if (text_is_nocase(word, wanted))
			return true;
	return false;
}

/* dns_support_level counts more than disable_dns_lookups; without the DNS there is the hosts file. */
static bool read_dns(struct transport *t, const struct settings *s, char **why)
{
	const struct manner *m = t->manner;

	t->dns = m->dns_support_level == DNS_SUPPORT_UNSET ? !s->disable_dns_lookups
		: m->dns_support_level != DNS_SUPPORT_DISABLED;
	t->dnssec = m->dns_support_level == DNS_SUPPORT_DNSSEC;
	t->host_dns = t->dns && has_word(m->host_lookup, "dns");
	t->native = !t->dns || has_word(m->host_lookup, "native");
	t->defnames = has_word(m->dns_resolver_options, "res_defnames");
	t->dnsrch = has_word(m->dns_resolver_options, "res_dnsrch");
	return read_maps(m->dns_reply_filter, &t->dns_filter, why);
}

/* The name of the option that is to blame, or NULL. */
static const char *read_content(struct transport *t, const struct settings *s, char **why)
{
	const char *option = NULL;

	t->checks = checks_new(t->manner, &option, why);
	if (!t->checks && *why)
		return option;
	t->generic = generic_new(s, t->manner, why);
	return t->generic || !*why ? NULL : "generic_maps";
}

/* The same. */
static const char *read_all(struct transport *t, const struct settings *s, bool for_check, char **why)
{
	const struct manner *m = t->manner;
	bool lmtp = m->protocol == PROTOCOL_LMTP;
	const char *option;
	uint16_t port;

	if (!port_find(s->known_tcp_ports, m->tcp_port, &port)) {
		*why = mem_fmt("there is no port or service '%s'", m->tcp_port);
		return "tcp_port";
	}
	if (!read_address(m->bind_address, false, &t->from4, why))
		return "bind_address";
	if (!read_address(m->bind_address6, true, &t->from6, why))
		return "bind_address6";
	take_interface(s, false, &t->from4);
	take_interface(s, true, &t->from6);
	if (!read_kept(t, why))
		return "connection_cache_destinations";
	t->discard = ehlo_mask(m->discard_ehlo_keywords);
	if (!read_maps(m->discard_ehlo_keyword_address_maps, &t->discard_maps, why))
		return lmtp ? "discard_lhlo_keyword_address_maps" : "discard_ehlo_keyword_address_maps";
	t->pix = manner_pix(m->pix_workarounds);
	if (!read_maps(m->pix_workaround_maps, &t->pix_maps, why))
		return "pix_workaround_maps";
	if (!read_filter(t, why))
		return "reply_filter";
	if (!read_dns(t, s, why))
		return "dns_reply_filter";
	t->credentials = credentials_open(m, s, &option, why);
	if (option)
		return option;
	if (!transport_tls_read(&t->tls, m, s, for_check, &option, why))
		return option;
	t->idle_time = m->connection_cache_time_limit;
	if (t->idle_time > s->connection_cache_ttl_limit)
		t->idle_time = s->connection_cache_ttl_limit;
	return read_content(t, s, why);
}

/* --- coming and going --- */

struct transports *transports_new(const struct settings *s, bool for_check, char **path, char **why)
{
	struct transports *all = mem_alloc(sizeof *all);

	all->settings = s;
	all->all = mem_alloc(s->transport_count * sizeof all->all[0]);
	for (size_t i = 0; i < s->transport_count; i++) {
		const char *option;

		all->all[i].manner = s->transports[i].manner;
		option = read_all(&all->all[i], s, for_check, why);
		if (!option)
			continue;
		*path = settings_transport_path(&s->transports[i], option);
		transports_free(all);
		return NULL;
	}
	return all;
}

void transports_free(struct transports *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->settings->transport_count; i++) {
		match_list_free(all->all[i].kept);
		table_list_free(all->all[i].discard_maps);
		table_list_free(all->all[i].pix_maps);
		table_free(all->all[i].reply_filter);
		checks_free(all->all[i].checks);
		generic_free(all->all[i].generic);
		table_list_free(all->all[i].dns_filter);
		transport_tls_clear(&all->all[i].tls);
		credentials_close(all->all[i].credentials);
	}
	free(all->all);
	free(all);
}

void transports_without_tls(struct transports *all, const char *why)
{
	for (size_t i = 0; i < all->settings->transport_count; i++)
		transport_tls_off(&all->all[i].tls, why);
}

/* They come of what all have in common. */
void transports_warnings(const struct transports *all, struct buf *out)
{
	if (all->all[0].tls.context)
		tls_context_warnings(all->all[0].tls.context, out);
}

bool transports_log_in(const struct transports *all)
{
	for (size_t i = 0; i < all->settings->transport_count; i++)
		if (all->all[i].credentials)
			return true;
	return false;
}

const struct transport *transports_find(const struct transports *all, const char *name)
{
	const struct settings_transport *t = settings_transport(all->settings, name);

	return t ? &all->all[t - all->settings->transports] : NULL;
}

/* --- questions --- */

const struct endpoint *transport_from(const struct transport *t, const struct endpoint *to)
{
	const struct endpoint *from = endpoint_is_v6(to) ? &t->from6 : &t->from4;

	return !endpoint_is_unix(to) && from->size > 0 ? from : NULL;
}

bool transport_from_must(const struct transport *t, const struct endpoint *to)
{
	const struct manner *m = t->manner;

	return m->bind_address_enforce && *(endpoint_is_v6(to) ? m->bind_address6 : m->bind_address);
}

/* The first host of the nexthop counts, without brackets and port. */
static bool is_listed(const struct transport *t, const char *nexthop)
{
	struct text name = text_of(nexthop), element;
	struct domain_nexthop first;
	const char *why;

	if (domain_lmtp(&name) == DOMAIN_LMTP_SOCKET)
		return match_list_has(t->kept, name.p, MATCH_ITSELF, &why);   /* to the end of the nexthop */
	if (!text_list_next(&name, &element) || !domain_nexthop(element, &first, &why))
		return false;
	return match_list_has(t->kept, first.host, MATCH_ITSELF, &why);
}

bool transport_keeps(const struct transport *t, const char *nexthop)
{
	return t->manner->connection_cache_on_demand || is_listed(t, nexthop);
}

/* What the words for that peer stand for; its table, if there is one, says more than the default. */
static bool mask_for(struct table_list *maps, const char *peer, unsigned (*mask_of)(const char *words),
	unsigned *mask, const char **why)
{
	const char *found = NULL;

	*why = NULL;
	if (maps)
		found = table_list_get(maps, peer, why);
	if (found)
		*mask = mask_of(found);
	return !*why;
}

bool transport_discards(const struct transport *t, const char *peer, unsigned *mask, const char **why)
{
	*mask = t->discard;
	return mask_for(t->discard_maps, peer, ehlo_mask, mask, why);
}

bool transport_pix(const struct transport *t, const char *peer, unsigned *mask, const char **why)
{
	*mask = t->pix;
	return mask_for(t->pix_maps, peer, manner_pix, mask, why);
}
