#include <string.h>

#include "base/mem.h"
#include "queue/route/route.h"
#include "unit.h"

#define MAPS "transport_maps"
#define DOMAINS "mailbox_domains"
#define BOX "mailbox_transport"
#define MAX_OPTIONS 5

/* Options, an address, and where its mail goes, or ("!") what the complaint must say. */
static const struct { const char *options[2 * MAX_OPTIONS]; const char *address, *way; } routes[] = {
	/* mailbox_domains */
	{ { DOMAINS, "a.test", BOX, "lmtp:unix:/run/lmtp" }, "u@a.test", "lmtp:unix:/run/lmtp" },
	{ { DOMAINS, "a.test", BOX, "lmtp:unix:/run/lmtp" }, "u@A.TEST", "lmtp:unix:/run/lmtp" },
	{ { DOMAINS, "A.Test", BOX, "lmtp:x" }, "u@a.tesT", "lmtp:x" },
	{ { DOMAINS, "a.test, b.test c.test", BOX, "lmtp:x" }, "u@c.test", "lmtp:x" },
	{ { DOMAINS, "a.test", BOX, "lmtp:x" }, "u@sub.a.test", "smtp:sub.a.test" },
	{ { DOMAINS, ".a.test", BOX, "lmtp:x" }, "u@sub.a.test", "lmtp:x" },
	{ { DOMAINS, ".a.test", BOX, "lmtp:x" }, "u@very.deep.sub.a.test", "lmtp:x" },
	{ { DOMAINS, ".a.test", BOX, "lmtp:x" }, "u@a.test", "smtp:a.test" },
	{ { DOMAINS, ".a.test", BOX, "lmtp:x" }, "u@xa.test", "smtp:xa.test" },
	{ { DOMAINS, "inline:{a.test=x}", BOX, "lmtp:x" }, "u@a.test", "lmtp:x" },
	{ { DOMAINS, "b.test inline:{.a.test=x} c.test", BOX, "lmtp:x" }, "u@s.a.test", "lmtp:x" },
	{ { DOMAINS, "b.test inline:{.a.test=x} c.test", BOX, "lmtp:x" }, "u@c.test", "lmtp:x" },
	{ { DOMAINS, "[192.0.2.1]", BOX, "lmtp:x" }, "u@[192.0.2.1]", "lmtp:x" },
	{ { DOMAINS, "[IPv6:2001:db8::1]", BOX, "lmtp:x" }, "u@[ipv6:2001:DB8::1]", "lmtp:x" },
	{ { DOMAINS, "a.test", BOX, "" }, "u@a.test", "!mailbox_transport is not set" },
	{ { DOMAINS, "a.test", BOX, "lmtp" }, "u@a.test", "lmtp:a.test" },
	{ { DOMAINS, "a.test", BOX, "lmtp:" }, "u@a.test", "lmtp:a.test" },
	{ { DOMAINS, "a.test", BOX, " lmtp : x " }, "u@a.test", "!no" },
	{ { DOMAINS, "a.test", BOX, "nosuch:x" }, "u@a.test", "!nosuch" },
	{ { DOMAINS, "a.test", BOX, "lmtp:inet:[::1]:24" }, "u@a.test", "lmtp:inet:[::1]:24" },
	{ { DOMAINS, "a.test", BOX, "lmtp:x" }, "\"odd@b.test\"@a.test", "lmtp:x" },
	{ { DOMAINS, "a.test", BOX, "lmtp:x" }, "\"odd\\\"@b.test\"@a.test", "lmtp:x" },
	/* transport_maps */
	{ { MAPS, "inline:{u@a.test=lmtp:1, a.test=lmtp:2}", DOMAINS, "a.test", BOX, "lmtp:3" }, "u@a.test",
		"lmtp:1" },
	{ { MAPS, "inline:{u@a.test=lmtp:1, a.test=lmtp:2}", DOMAINS, "a.test", BOX, "lmtp:3" }, "U@A.test",
		"lmtp:1" },
	{ { MAPS, "inline:{u@a.test=lmtp:1, a.test=lmtp:2}", DOMAINS, "a.test", BOX, "lmtp:3" },
		"u+box@a.test", "lmtp:1" },
	{ { MAPS, "inline:{u+box@a.test=lmtp:0, u@a.test=lmtp:1}" }, "u+box@a.test", "lmtp:0" },
	{ { MAPS, "inline:{u@a.test=lmtp:1, a.test=lmtp:2}", DOMAINS, "a.test", BOX, "lmtp:3" }, "v@a.test",
		"lmtp:2" },
	{ { MAPS, "inline:{b.test=lmtp:2}", DOMAINS, "a.test", BOX, "lmtp:3" }, "v@a.test", "lmtp:3" },
	{ { MAPS, "inline:{.a.test=lmtp:2}" }, "u@x.a.test", "lmtp:2" },
	{ { MAPS, "inline:{.a.test=lmtp:2}" }, "u@y.x.a.test", "lmtp:2" },
	{ { MAPS, "inline:{.a.test=lmtp:2, .x.a.test=lmtp:1}" }, "u@y.x.a.test", "lmtp:1" },
	{ { MAPS, "inline:{.a.test=lmtp:2}" }, "u@a.test", "smtp:a.test" },
	{ { MAPS, "inline:{a.test=lmtp:2}" }, "u@x.a.test", "smtp:x.a.test" },
	{ { MAPS, "inline:{.test=lmtp:tld}" }, "u@a.test", "lmtp:tld" },
	{ { MAPS, "inline:{*=lmtp:star}" }, "u@a.test", "lmtp:star" },
	{ { MAPS, "inline:{*=lmtp:star, a.test=lmtp:1}" }, "u@a.test", "lmtp:1" },
	{ { MAPS, "inline:{a.test=lmtp:1} inline:{a.test=lmtp:2}" }, "u@a.test", "lmtp:1" },
	{ { MAPS, "inline:{b.test=lmtp:1} inline:{a.test=lmtp:2}" }, "u@a.test", "lmtp:2" },
	{ { MAPS, "inline:{a.test=lmtp}" }, "u@a.test", "lmtp:a.test" },
	{ { MAPS, "inline:{.a.test=lmtp:}" }, "u@x.a.test", "lmtp:x.a.test" },
	{ { MAPS, "inline:{*=lmtp:}" }, "u@X.A.Test", "lmtp:x.a.test" },
	{ { MAPS, "inline:{a.test=lmtp:unix:/Run/L}" }, "u@a.test", "lmtp:unix:/Run/L" },
	{ { MAPS, "inline:{a.test=:other}", DOMAINS, "a.test", BOX, "lmtp:3" }, "u@a.test", "lmtp:other" },
	{ { MAPS, "inline:{a.test=:}", DOMAINS, "a.test", BOX, "lmtp:3" }, "u@a.test", "lmtp:3" },
	{ { MAPS, "inline:{a.test=:}" }, "u@a.test", "smtp:a.test" },
	{ { MAPS, "inline:{a.test=smtp:[relay]}", DOMAINS, "a.test", BOX, "lmtp:3" }, "u@a.test",
		"smtp:[relay]" },
	{ { MAPS, "inline:{a.test=nosuch:x}" }, "u@a.test", "!\"nosuch\"" },
	{ { MAPS, "texthash:/nonexistent/map" }, "u@a.test", "!/nonexistent/map" },
	{ { MAPS, "lmdb:/nonexistent/map" }, "u@a.test", "!cannot open" },
	{ { MAPS, "regexp:{{/^u\\+.*@a\\.test$/ lmtp:box}, {/@a\\.test$/ lmtp:all}}" }, "U+x@A.test",
		"lmtp:box" },
	{ { MAPS, "regexp:{{/^u\\+.*@a\\.test$/ lmtp:box}, {/@a\\.test$/ lmtp:all}}" }, "u@a.test", "lmtp:all" },
	{ { MAPS, "pcre:{{/^u@a\\.test$/ lmtp:x}}" }, "u+x@a.test", "smtp:a.test" },
	{ { MAPS, "pcre:{{/^a\\.test$/ lmtp:x}, {/^\\*$/ lmtp:star}}" }, "u@a.test", "smtp:a.test" },
	{ { MAPS, "regexp:{{/^v@/ lmtp:1}}, inline:{u@a.test=lmtp:2}, regexp:{{/^u/ lmtp:3}}" }, "u@a.test",
		"lmtp:2" },
	{ { MAPS, "regexp:{{/^u/ lmtp:3}}, inline:{u@a.test=lmtp:2}" }, "u+x@a.test", "lmtp:3" },
	{ { MAPS, "regexp:{{/^(.*)@/ lmtp:unix:$1}}" }, "u@a.test", "!rule 1: $1 and the like are not allowed" },
	{ { MAPS, "static:lmtp:hub" }, "u@a.test", "lmtp:hub" },
	{ { MAPS, "pcre:{{/^(u+)+(u+)+$/ lmtp:1}}" },
	  "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@a.test", "!takes too long" },
	{ { DOMAINS, "regexp:{{/^(a|b)\\.test$/ $1}}", BOX, "lmtp:x" }, "u@B.test", "lmtp:x" },
	{ { DOMAINS, "pcre:{{/^\\.test$/ x}}", BOX, "lmtp:x" }, "u@b.test", "smtp:b.test" },
	{ { MAPS, "nonsense:/etc/map" }, "u@a.test", "!nonsense" },
	{ { DOMAINS, "texthash:/nonexistent/map", BOX, "lmtp:3" }, "u@a.test", "!/nonexistent/map" },
	/* all other mail */
	{ { NULL }, "u@a.test", "smtp:a.test" },
	{ { "default_transport", "lmtp:hub" }, "u@a.test", "lmtp:hub" },
	{ { "default_transport", "lmtp" }, "u@a.test", "lmtp:a.test" },
	{ { "default_transport", "lmtp", "relayhost", "[hub]:24" }, "u@a.test", "lmtp:[hub]:24" },
	{ { "default_transport", "lmtp:own", "relayhost", "[hub]:24" }, "u@a.test", "lmtp:own" },
	{ { "default_transport", "", }, "u@a.test", "!\"\"" },
	{ { "relayhost", "[hub]", DOMAINS, "a.test", BOX, "lmtp:3" }, "u@a.test", "lmtp:3" },
	/* named transports */
	{ { "transport.store.protocol", "lmtp", "transport.store.nexthop", "unix:/s", BOX, "store:", DOMAINS,
		"a.test" }, "u@a.test", "store:unix:/s" },
	{ { "transport.store.protocol", "lmtp", "transport.store.nexthop", "unix:/s", BOX, "store", DOMAINS,
		"a.test" }, "u@a.test", "store:unix:/s" },
	{ { "transport.store.protocol", "lmtp", "transport.store.nexthop", "unix:/s", BOX, "store:x", DOMAINS,
		"a.test" }, "u@a.test", "store:x" },
	{ { "transport.store.protocol", "lmtp", MAPS, "inline:{a.test=store:}" }, "u@a.test",
		"store:a.test" },
	{ { "transport.out.protocol", "smtp", MAPS, "inline:{a.test=out:x}" }, "u@a.test", "out:x" },
};

static void set_all(struct settings *s, const char *const *options)
{
	const char *why = NULL;

	for (size_t i = 0; i < 2 * MAX_OPTIONS && options[i]; i += 2)
		ck_assert_msg(settings_set(s, options[i], options[i + 1], &why), "%s = %s: %s", options[i],
		              options[i + 1], why);
}

START_TEST(test_route)
{
	struct settings *s = settings_new();
	struct route_answer a;
	struct route *r;
	char *way;

	set_all(s, routes[_i].options);
	r = route_new(s);
	route_find(r, routes[_i].address, &a);
	way = mem_fmt("%s:%s", a.transport, a.nexthop);
	if (routes[_i].way[0] == '!') {
		ck_assert_msg(!a.found, "%s goes to %s", routes[_i].address, way);
		ck_assert_msg(strstr(a.text, routes[_i].way + 1), "complaint: %s", a.text);
		ck_assert_str_eq(a.dsn, "4.3.5");
	} else {
		ck_assert_msg(a.found, "complaint: %s", a.text);
		ck_assert_str_eq(way, routes[_i].way);
	}
	free(way);
	route_free(r);
	settings_free(s);
}
END_TEST

START_TEST(test_long_names)
{
	char domain[300], nexthop[2000], map[2100], transport[300];
	struct settings *s = settings_new();
	const char *why;
	struct route_answer a;
	struct route *r;

	memset(domain, 'd', sizeof domain);
	memcpy(domain, "u@", 2);
	domain[sizeof domain - 1] = '\0';
	memset(nexthop, 'n', sizeof nexthop);
	nexthop[sizeof nexthop - 1] = '\0';
	memset(transport, 't', sizeof transport);
	transport[sizeof transport - 1] = '\0';
	snprintf(map, sizeof map, "inline:{n.test=lmtp:%s}", nexthop);
	ck_assert(settings_set(s, MAPS, map, &why));
	ck_assert(settings_set(s, "default_transport", transport, &why));
	r = route_new(s);
	route_find(r, "u@n.test", &a);
	ck_assert(!a.found);
	ck_assert_ptr_nonnull(strstr(a.text, "nexthop"));
	route_find(r, domain, &a);
	ck_assert(!a.found);
	ck_assert_ptr_nonnull(strstr(a.text, "transport"));
	route_free(r);
	settings_free(s);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "route", test_route, UNIT_ROWS(routes), 0 },
		{ "long names", test_long_names, 1, 0 },
	};

	return unit_main("queue/route", cases, UNIT_ROWS(cases));
}
