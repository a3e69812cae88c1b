/* One address: what is accepted is free of controls, is the same behind brackets, and its parts put
 * together are itself. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/address/address.h"
#include "format/address/domain.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool same(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static void check_path(struct text address)
{
	struct text from, path;
	const char *why;
	struct buf b;

	buf_init(&b, ADDRESS_MAX + 3);
	buf_char(&b, '<');
	buf_add(&b, address.p, address.n);
	must(buf_str(&b, ">x"));
	from = text_make(b.data, b.len);
	must(address_path(&from, &path, &why) && same(path, address) && text_is(from, "x"));
	buf_free(&b);
}

/* Quoting what was unquoted gives the same plain text again. */
static void check_local(struct text local)
{
	struct buf plain, wire, again;
	const char *why;

	buf_init(&plain, ADDRESS_MAX);
	buf_init(&wire, 3 * ADDRESS_MAX);
	buf_init(&again, ADDRESS_MAX);
	must(address_unquote(local, &plain));
	must(address_quote(text_make(buf_text(&plain), plain.len), &wire));
	must(wire.len > ADDRESS_MAX || address_check(text_make(wire.data, wire.len), &why));
	must(address_unquote(text_make(wire.data, wire.len), &again));
	must(same(text_make(plain.data, plain.len), text_make(again.data, again.len)));
	buf_free(&plain);
	buf_free(&wire);
	buf_free(&again);
}

static void check_domain(struct text domain)
{
	char out[DOMAIN_SIZE], again[DOMAIN_SIZE];
	const char *why;

	must(domain_key(domain, out) == out);
	if (domain_literal(domain, out) == DOMAIN_IPV4)
		must(domain_numeric(text_of(out)) == DOMAIN_IPV4);
	if (!domain_to_ascii(domain, false, out, &why))
		return;
	must(text_is_ascii(text_of(out)) && domain_check(text_of(out), &why));
	must(domain_to_ascii(text_of(out), false, again, &why) && strcmp(out, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text address = text_make((const char *)data, size), local, domain;
	struct domain_nexthop nexthop;
	const char *why = NULL;

	must(domain_nexthop(address, &nexthop, &why) || why);
	if (!address_check(address, &why)) {
		must(why && *why);
		return 0;
	}
	must(!text_has_control(address) && address.n <= ADDRESS_MAX);
	address_split(address, &local, &domain);
	must(local.n > 0 && local.p == address.p && local.n + domain.n + (domain.n ? 1 : 0) == address.n);
	must(domain.n == 0 || domain.p[-1] == '@');
	check_path(address);
	check_local(local);
	check_domain(domain);
	return 0;
}
