/* The order of hosts and addresses: preference, weights, families, what is dead, and this host itself. */
#include "unit.h"

#include <string.h>

#include "courier/hosts/candidates.h"
#include "courier/hosts/dead_addresses.h"
#include "courier/hosts/own_addresses.h"
#include "link/keys.h"

#include "manner_set.h"

static struct targets targets;
static struct candidates candidates;

/* "10 a 192.0.2.1, 20 b ::1": preference, name, address. */
static void read_list(const char *list)
{
	char name[20], address[60];
	unsigned preference;
	struct endpoint at;
	int used;

	for (const char *at_list = list; sscanf(at_list, "%u %19s %59[^,]%n", &preference, name, address,
		&used) == 3;
	     at_list += strspn(at_list, ", ")) {
		ck_assert(targets_add(&targets, name, (uint16_t)preference, 0, 0));
		at_list += used;
	}
	for (size_t i = 0; i < targets.count; i++) {
		ck_assert_int_eq(sscanf(list, "%u %19s %59[^,]%n", &preference, name, address, &used), 3);
		list += used + (int)strspn(list + used, ", ");
		ck_assert(endpoint_inet(&at, address, 25));
		ck_assert(candidates_add(&candidates, &targets.list[i], &at, false));
	}
}

static const char *names(void)
{
	static char out[300];

	out[0] = '\0';
	for (size_t i = 0; i < candidates.count; i++)
		strcat(out, candidates.list[i].target->name);
	return out;
}

static void clear(void)
{
	candidates_clear(&candidates);
	targets_clear(&targets);
}

static const struct {
	const char *list, *preference;
	bool families;
	const char *wanted;
} orders[] = {
	{ "30 c 192.0.2.3, 10 a 192.0.2.1, 20 b 192.0.2.2", "any", true, "abc" },
	{ "10 a 192.0.2.1, 10 b 192.0.2.2, 5 c 192.0.2.3", "any", true, "cab" },
	{ "10 a 192.0.2.1, 10 b ::1, 20 c ::2, 20 d 192.0.2.2", "any", true, "abcd" },
	{ "10 a 192.0.2.1, 10 b ::1, 20 c ::2, 20 d 192.0.2.2", "ipv4", true, "abdc" },
	{ "10 a 192.0.2.1, 10 b ::1, 20 c ::2, 20 d 192.0.2.2", "ipv6", true, "bacd" },
	{ "10 a 192.0.2.1, 10 b ::1", "ipv6", false, "ab" },
	{ "0 a 192.0.2.1", "ipv6", true, "a" },
};

START_TEST(test_A_1_to_3_order)
{
	struct manner *m = manner_new(PROTOCOL_SMTP);
	const char *why;

	manner_set(m, "randomize_addresses", "no", &why);
	ck_assert(manner_set(m, "address_preference", orders[_i].preference, &why));
	read_list(orders[_i].list);
	candidates_arrange(&candidates, m, orders[_i].families);
	ck_assert_str_eq(names(), orders[_i].wanted);
	clear();
	manner_free(m);
}
END_TEST

/* Who is left when this host is among them. */
static const struct {
	const char *list, *self, *wanted;
} selves[] = {
	{ "10 a 192.0.2.1, 20 b 192.0.2.2, 30 c 192.0.2.3", "192.0.2.2", "a" },
	{ "10 a 192.0.2.1, 20 b 192.0.2.2, 20 c 192.0.2.3", "192.0.2.3", "a" },
	{ "10 a 192.0.2.1, 20 b 192.0.2.2", "192.0.2.1", "" },
	{ "10 a 192.0.2.1, 10 b 192.0.2.2", "192.0.2.2", "" },
	{ "10 a 192.0.2.1, 20 b ::1", "[ipv6:::1]", "a" },
	{ "10 a 192.0.2.1, 20 b 192.0.2.2", "192.0.2.9", "ab" },
	{ "10 a 192.0.2.1, 20 b 127.0.0.1", "loopback-only", "a" },
	{ "10 a 192.0.2.1, 20 b 127.0.0.1", "all", "a" },
	{ "10 a 192.0.2.1, 20 b 127.0.0.1", "", "ab" },
	{ "10 a 192.0.2.1, 20 b 192.0.2.2", "us.test", "a" },
};

START_TEST(test_A_7_and_11_self)
{
	struct hosts_file *hosts;
	struct own_addresses *own;
	const struct candidate *self;
	FILE *f = fopen("courier_candidates.hosts", "w");

	fputs("192.0.2.2 us.test\n", f);
	fclose(f);
	hosts = hosts_file_read("courier_candidates.hosts");
	remove("courier_candidates.hosts");
	own = own_addresses_new(_i % 2 ? selves[_i].self : "", _i % 2 ? "" : selves[_i].self, hosts);
	read_list(selves[_i].list);
	self = candidates_self(&candidates, own);
	if (self)
		candidates_cut(&candidates, self->target->preference);
	ck_assert_str_eq(names(), selves[_i].wanted);
	clear();
	own_addresses_free(own);
	hosts_file_free(hosts);
}
END_TEST

/* Each weight has its share of first places; without weights the order is any. */
static const struct {
	uint16_t weights[3];
	unsigned least[3], most[3];
} draws[] = {
	{ { 60, 30, 10 }, { 500, 200, 40 }, { 700, 400, 180 } },
	{ { 0, 0, 0 }, { 230, 230, 230 }, { 440, 440, 440 } },
	{ { 1, 0, 0 }, { 1000, 0, 0 }, { 1000, 0, 0 } },
};

START_TEST(test_A_4_weights)
{
	unsigned first[3] = { 0 };

	for (int round = 0; round < 1000; round++) {
		targets_add(&targets, "z", 9, 1000, 0);
		for (size_t i = 0; i < 3; i++)
			targets_add(&targets, (const char[2]){ (char)('0' + i), '\0' }, 5, draws[_i].weights[i], 0);
		targets_sort_srv(&targets);
		first[targets.list[0].name[0] - '0']++;
		ck_assert_str_eq(targets.list[3].name, "z");
		clear();
	}
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(first[i] >= draws[_i].least[i] && first[i] <= draws[_i].most[i],
			"%zu was first %u times", i, first[i]);
}
END_TEST

/* What did not answer goes behind all others, however good its preference, until its time is over. */
START_TEST(test_dead)
{
	struct loop *loop = loop_new();
	struct dead_addresses *dead = dead_addresses_new(loop, NULL, 1000000),
		*brief = dead_addresses_new(loop, NULL, 0);
	int64_t since;

	read_list("10 a 192.0.2.1, 20 b 192.0.2.2, 30 c 192.0.2.3");
	dead_addresses_add(dead, &candidates.list[0].at);
	dead_addresses_add(dead, &candidates.list[0].at);
	dead_addresses_add(brief, &candidates.list[1].at);
	ck_assert(!dead_addresses_has(NULL, &candidates.list[0].at, &since));
	ck_assert(!dead_addresses_has(brief, &candidates.list[1].at, &since));
	candidates_dead_last(&candidates, brief);
	ck_assert_str_eq(names(), "abc");
	candidates_dead_last(&candidates, dead);
	ck_assert_str_eq(names(), "bca");
	ck_assert(candidates.list[2].dead && !candidates.list[0].dead);
	dead_addresses_remove(dead, &candidates.list[2].at);
	ck_assert(!dead_addresses_has(dead, &candidates.list[2].at, &since));
	clear();
	dead_addresses_free(dead);
	dead_addresses_free(brief);
	loop_free(loop);
}
END_TEST

/* What other couriers have found, over the link. */
static const struct { const char *key, *value; int64_t age; bool kept; } heard[] = {
	{ LINK_KEY_DEAD_ADDRESS "192.0.2.1 25", NULL, 0, true },
	{ LINK_KEY_DEAD_ADDRESS "192.0.2.1 25", NULL, 59000, true },
	{ LINK_KEY_DEAD_ADDRESS "192.0.2.1 25", NULL, -99000, true },        /* our clock was set back */
	{ LINK_KEY_DEAD_ADDRESS "192.0.2.1 25", NULL, 60000, false },
	{ LINK_KEY_DEAD_ADDRESS "192.0.2.1 24", NULL, 0, false },
	{ LINK_KEY_DEAD_ADDRESS "192.0.2.2 25", NULL, 0, false },
	{ LINK_KEY_DEAD_ADDRESS "192.0.2.1 25", "", 0, false },
	{ LINK_KEY_DEAD_ADDRESS "192.0.2.1 25", "never", 0, false },
	{ LINK_KEY_DEAD_ADDRESS
		"192.0.2.1 25 2001:db8:2001:db8:2001:db8:2001:db8 2001:db8:2001:db8:2001:db8:2001:db8", NULL, 0,
		false },
	{ LINK_KEY_REFUSED_LOGIN "192.0.2.1 25", NULL, 0, false },
};

START_TEST(test_dead_heard)
{
	struct loop *loop = loop_new();
	struct dead_addresses *dead = dead_addresses_new(loop, NULL, 60000);
	struct endpoint at;
	char value[32];
	int64_t since;

	snprintf(value, sizeof value, "%lld", (long long)(loop_wall(loop) - heard[_i].age));
	if (heard[_i].value)
		snprintf(value, sizeof value, "%s", heard[_i].value);
	endpoint_inet(&at, "192.0.2.1", 25);
	dead_addresses_hear(dead, heard[_i].key, value, strlen(value));
	ck_assert_int_eq(dead_addresses_has(dead, &at, &since), heard[_i].kept);
	dead_addresses_hear(dead, heard[_i].key, "", 0);
	ck_assert(!dead_addresses_has(dead, &at, &since));
	dead_addresses_free(dead);
	loop_free(loop);
}
END_TEST

START_TEST(test_N_20_too_many)
{
	struct endpoint at;

	endpoint_inet(&at, "192.0.2.1", 25);
	for (int i = 0; i < CANDIDATES_MAX; i++)
		ck_assert(targets_add(&targets, "x", 1, 0, 0));
	ck_assert(!targets_add(&targets, "x", 1, 0, 0));
	for (int i = 0; i < CANDIDATES_MAX; i++)
		ck_assert(candidates_add(&candidates, &targets.list[0], &at, false));
	ck_assert(!candidates_add(&candidates, &targets.list[0], &at, false));
	clear();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "order", test_A_1_to_3_order, UNIT_ROWS(orders), 0 },
		{ "self", test_A_7_and_11_self, UNIT_ROWS(selves), 0 },
		{ "weights", test_A_4_weights, UNIT_ROWS(draws), 0 },
		{ "dead", test_dead, 1, 0 },
		{ "dead heard", test_dead_heard, UNIT_ROWS(heard), 0 },
		{ "too many", test_N_20_too_many, 1, 0 },
	};

	return unit_main("courier/candidates", cases, UNIT_ROWS(cases));
}
