#include "unit.h"

#include <stdlib.h>

#include "courier/session/debug_peers.h"

/* behaviour TR-5 */
static const struct {
	const char *list, *name;
	bool has;
} peers[] = {
	{ "mx.example", "mx.example", true }, { "mx.example", "MX.Example", true },
	{ "example", "mx.example", true },
	{ "mx.example", "example", false }, { "x.example", "mx.example", false },
	{ ".example", "mx.example", true },
	{ "ample", "mx.example", false }, { "", "mx.example", false },
	{ "a.test, example", "mx.example", true }, { "inline:{mx.example=yes}", "mx.example", true },
	{ "inline:{example=yes}", "mx.example", true },
	{ "192.0.2.1", "192.0.2.1", true }, { "192.0.2.1", "192.0.2.10", false },
	{ "192.0.2.0/24", "192.0.2.77", true }, { "192.0.2.0/24", "192.0.3.77", false },
	{ "192.0.2.0/24", "mx.example", false }, { "a.test 192.0.2.0/24 b.test", "b.test", true },
	{ "[2001:db8::]/32", "2001:db8:1::2", true }, { "[2001:db8::]/32", "2001:db9::1", false },
	{ "[127.0.0.1]:2525", "[127.0.0.1]:2525", true },
};

static struct settings *settings_with(const char *list, const char *parents)
{
	struct settings *s = settings_new();
	const char *why;

	ck_assert(settings_set(s, "debug_peer_list", list, &why));
	if (parents)
		ck_assert(settings_set(s, "parent_domain_matches_subdomains", parents, &why));
	return s;
}

static struct debug_peers *open_peers(const char *list, const char *parents, char **why)
{
	struct settings *s = settings_with(list, parents);
	struct debug_peers *p = debug_peers_new(s, why);

	settings_free(s);
	return p;
}

START_TEST(test_TR_5_who_is_watched)
{
	char *why = NULL;
	struct debug_peers *p = open_peers(peers[_i].list, NULL, &why);

	if (!p)
		ck_abort_msg("%s: %s", peers[_i].list, why);
	ck_assert_msg(debug_peers_has(p, peers[_i].name) == peers[_i].has, "%s in %s", peers[_i].name,
		peers[_i].list);
	debug_peers_free(p);
}
END_TEST

/* Without the name of the list in it, sub-domains need a dot. */
static const struct {
	const char *list, *parents, *name;
	bool has;
} below[] = {
	{ "example", "", "mx.example", false }, { "example", "relay_domains", "mx.example", false },
	{ "example", "", "example", true }, { ".example", "", "mx.example", true },
	{ ".example", "", "example", false },
	{ "example", "relay_domains, debug_peer_list", "mx.example", true },
	{ "inline:{example=yes}", "", "mx.example", false }, { "inline:{.example=yes}", "", "mx.example", true },
	{ "!mx.example, example", "debug_peer_list", "mx.example", false },
	{ "!mx.example, example", "debug_peer_list", "mx2.example", true },
	{ "2.1", "debug_peer_list", "192.0.2.1", false },
};

START_TEST(test_parent_domain_matches_subdomains)
{
	char *why = NULL;
	struct debug_peers *p = open_peers(below[_i].list, below[_i].parents, &why);

	if (!p)
		ck_abort_msg("%s: %s", below[_i].list, why);
	ck_assert_msg(debug_peers_has(p, below[_i].name) == below[_i].has, "%s in %s", below[_i].name,
		below[_i].list);
	debug_peers_free(p);
}
END_TEST

static const char *const bad[] = {
	"texthash:/no/such/file", "what:x", "192.0.2.1/24", "192.0.2.0/33", "/no/such/file", "!", "a.test, !!"
};

START_TEST(test_bad)
{
	char *why = NULL;

	ck_assert_msg(!open_peers(bad[_i], NULL, &why), "%s", bad[_i]);
	ck_assert_ptr_nonnull(why);
	free(why);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "who is watched", test_TR_5_who_is_watched, UNIT_ROWS(peers), 0 },
		{ "parents", test_parent_domain_matches_subdomains, UNIT_ROWS(below), 0 },
		{ "bad", test_bad, UNIT_ROWS(bad), 0 },
	};

	return unit_main("courier/debug_peers", cases, UNIT_ROWS(cases));
}
