#include "table_files.h"
#include "unit.h"

static const struct table_hit hits[] = {
	{ "10.0.0.0/8 net\n", "10.1.2.3", "net" },
	{ "10.0.0.0/8 net\n", "11.1.2.3", NULL },
	{ "10.0.0.0/8 net\n", "010.1.2.3", NULL },
	{ "10.0.0.0/8 net\n", "10.1.2", NULL },
	{ "10.0.0.0/8 net\n", "host.test", NULL },
	{ "10.0.0.0/8 net\n", "", NULL },
	{ "10.0.0.0/8 net\n", "[10.1.2.3]", NULL },
	{ "10.1.2.3 host\n", "10.1.2.3", "host" },
	{ "10.1.2.3 host\n", "10.1.2.4", NULL },
	{ "10.1.2.3/32 host\n", "10.1.2.3", "host" },
	{ "10.1.2.2/31 pair\n", "10.1.2.3", "pair" },
	{ "10.1.2.2/31 pair\n", "10.1.2.4", NULL },
	{ "10.128.0.0/9 half\n", "10.128.0.1", "half" },
	{ "10.128.0.0/9 half\n", "10.127.0.1", NULL },
	{ "0.0.0.0/0 all\n", "255.255.255.255", "all" },
	{ "0.0.0.0/0 all\n", "::1", NULL },
	{ "::/0 all6\n", "2001:db8::1", "all6" },
	{ "::/0 all6\n", "127.0.0.1", NULL },
	{ "2001:db8::/32 doc\n", "2001:0db8:0:0::1", "doc" },
	{ "2001:db8::/32 doc\n", "2001:DB8::A", "doc" },
	{ "2001:db8::/32 doc\n", "2001:db9::1", NULL },
	{ "2001:db8:8000::/33 half\n", "2001:db8:8000::1", "half" },
	{ "2001:db8:8000::/33 half\n", "2001:db8:7fff::1", NULL },
	{ "2001:db8::1 host\n", "2001:db8::1", "host" },
	{ "[10.0.0.0/8] a\n", "10.1.1.1", "a" },
	{ "[10.0.0.0]/8 a\n", "10.1.1.1", "a" },
	{ "[2001:db8::1] a\n", "2001:db8::1", "a" },
	{ "10.1.0.0/16 first\n10.0.0.0/8 second\n", "10.1.1.1", "first" },
	{ "10.1.0.0/16 first\n10.0.0.0/8 second\n", "10.2.1.1", "second" },
	{ "!10.0.0.0/8 not\n", "11.0.0.1", "not" },
	{ "!10.0.0.0/8 not\n", "10.0.0.1", NULL },
	{ "!10.0.0.0/8 not\n", "::1", NULL },
	{ "!!10.0.0.0/8 is\n", "10.0.0.1", "is" },
	{ "if 10.0.0.0/8\n10.1.0.0/16 inner\n0.0.0.0/0 rest\nendif\n0.0.0.0/0 outer\n", "10.1.0.1", "inner" },
	{ "if 10.0.0.0/8\n10.1.0.0/16 inner\n0.0.0.0/0 rest\nendif\n0.0.0.0/0 outer\n", "10.2.0.1", "rest" },
	{ "if 10.0.0.0/8\n10.1.0.0/16 inner\nendif\n0.0.0.0/0 outer\n", "10.2.0.1", "outer" },
	{ "if !10.0.0.0/8\n0.0.0.0/0 away\nendif\n0.0.0.0/0 home\n", "10.2.0.1", "home" },
	{ "if !10.0.0.0/8\n0.0.0.0/0 away\n::/0 six\nendif\n::/0 other\n", "::1", "other" },
	{ "10.0.0.0/8\n\ttwo   words  \n", "10.1.1.1", "two   words" },
	{ "10.0.0.0/8 $1 costs $$5\n", "10.1.1.1", "$1 costs $$5" },
	{ "# nothing\n\n", "10.1.1.1", NULL },
};

START_TEST(test_hit)
{
	table_check_file_hit("cidr", &hits[_i]);
}
END_TEST

static const struct table_fault faults[] = {
	{ "10.0.0.0/8\n", "line 1: there is no result" },
	{ "# x\n\n10.0.0.0/8\n", "line 3: there is no result" },
	{ "10.0.0.1/8 x\n", "line 1: address bits behind the prefix are not zero; meant is perhaps 10.0.0.0/8" },
	{ "2001:db8::1/32 x\n", "perhaps 2001:db8::/32" },
	{ "10.0.0.0/33 x\n", "a number from 0 to 32" },
	{ "::/129 x\n", "a number from 0 to 128" },
	{ "10.0.0.0/ x\n", "a number from 0 to 32" },
	{ "10.0.0.0/-1 x\n", "a number from 0 to 32" },
	{ "10.0.0.0/8x x\n", "a number from 0 to 32" },
	{ "10.0.0.0/255.0.0.0 x\n", "a number from 0 to 32" },
	{ "10.0.0/8 x\n", "\"10.0.0\" is no IPv4 or IPv6 address" },
	{ "host.test x\n", "\"host.test\" is no IPv4" },
	{ "010.0.0.0/8 x\n", "is no IPv4" },
	{ "/8 x\n", "\"\" is no IPv4" },
	{ "[10.0.0.0/8 x\n", "closing bracket" },
	{ "[10.0.0.0]8 x\n", "\"8\" behind the bracket" },
	{ "[10.0.0.0/8]/8 x\n", "is no IPv4" },
	{ "! x\n", "\"x\" is no IPv4" },
	{ "!\n", "there is no pattern" },
	{ "if\n", "there is no pattern" },
	{ "if 10.0.0.0/8 x\nendif\n", "line 1: text behind the pattern of an if" },
	{ "if 10.0.0.0/8\n", "line 1: this if has no endif" },
	{ "10.0.0.0/8 x\nendif\n", "line 2: endif without an if" },
};

START_TEST(test_fault)
{
	table_check_file_fault("cidr", &faults[_i]);
}
END_TEST

START_TEST(test_inline)
{
	table_check_hit("cidr:{{0.0.0.0/0 four}, {::/0 six}}", "10.1.1.1", "four");
	table_check_hit("cidr:{{0.0.0.0/0 four}, {::/0 six}}", "::1", "six");
	table_check_hit("cidr:{ { 10.0.0.0/8   two words } }", "10.1.1.1", "two words");
	table_check_refused("cidr:{{0.0.0.0/0 four}, ::/0}", "rule 2: each rule stands in braces");
	table_check_refused("cidr:{{0.0.0.0/0 four}, {::/0}}", "rule 2: there is no result");
	table_check_refused("cidr:{{0.0.0.0/0 four}", "rule 1: ");
	table_check_refused("cidr:{{if ::/0}}", "rule 1: this if has no endif");
	table_check_refused("cidr:{{0.0.0.0/0 four}} more", "closing brace is missing");
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "hit", test_hit, UNIT_ROWS(hits), 0 },
		{ "fault", test_fault, UNIT_ROWS(faults), 0 },
		{ "inline", test_inline, 1, 0 },
	};

	return unit_main("table/cidr", cases, UNIT_ROWS(cases));
}
