/* The same tables and keys given to Postfix's own postmap(1): it finds what we find, and has complaints about
 * the tables that we refuse. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "table/table.h"
#include "unit.h"

#define POSTMAP "/usr/sbin/postmap"
#define KEYS_MAX 12

static char dir[] = "/tmp/cw-postmap-XXXXXX";

#define ADDRESSES { "a@b.test", "A@B.test", "user+box@b.test", "owner-list@b.test", "list-outgoing@b.test", \
	"postmaster@c.test", "x", "*", ".b.test", "two words@b.test", "\"q q\"@b.test" }
#define HOSTS { "10.1.2.3", "10.200.0.1", "11.0.0.1", "127.0.0.1", "255.255.255.255", "::1", "2001:db8::1", \
	"2001:0db8:8000::ff", "2001:db9::", "host.test", "10.1.2", "::ffff:10.1.2.3" }

/* A table that both read, and keys. */
static const struct { const char *type, *file, *keys[KEYS_MAX]; } tables[] = {
	{ "regexp", "/b\\.test$/ $$plain\n/^(.*)@(.*)$/ <${1}> at $(2)\n/./ rest\n", ADDRESSES },
	{ "regexp", "# comment\n\n/^a@/i lower\n  continued\n# more\n\tand $$ more  \n/^A@/i upper\n",
		ADDRESSES },
	{ "regexp", "if !/^owner-/\n/^(.*)-outgoing@(.*)$/ 550 Use ${1}@${2} instead\nif /\\+/\n/^(.*)\\+(.*)@/ "
		"$2 of $1\nendif\nendif\n!/@/ no address\n", ADDRESSES },
	{ "regexp",
		"~[%!@].*[%!@]~ twice\n'^post'x basic\n,a\\,b, comma\n!!/^x$/ double negation\n! /@b/ elsewhere\n",
		ADDRESSES },
	{ "regexp", "/(a)?(b)?(c)?/ $3$2$1.\n", ADDRESSES },
	{ "regexp", "/^([^+@]*)(\\+([^@]*))?@(.*)$/ user=$1 box=$3 domain=$4\r\n", ADDRESSES },
	{ "regexp", "IF /b/\n/^a/m first\nENDIF\nif/c/\n/(((((((((.)))))))))/ nine=$9\nendif\n", ADDRESSES },
	{ "pcre", "/^(?!owner-)(.*)-outgoing@(.*)/ 550 Use ${1}@${2} instead\n/^(\\w+)@(?=b)/ word $1\n/q/ $$\n",
		ADDRESSES },
	{ "pcre", "/^ A @ /xi spaced\n/B/A anchored\n/(.+)@/U <$1>\n", ADDRESSES },
	{ "pcre", "/(a)|(x)|(two)/ <$1|$2|$3>\nif /@c/\n/^(.)(.*)@/ $2$1\nendif\n!/o/ none\n", ADDRESSES },
	{ "pcre", "/(?<who>.*)@(?<where>.*)/s $2 $1\n", ADDRESSES },
	{ "cidr", "10.1.2.3 host\n10.0.0.0/9 low half\n10.0.0.0/8 ten\n::1 six\n2001:db8:8000::/33 "
		"upper\n2001:db8::/32 doc\n", HOSTS },
	{ "cidr",
		"if 10.0.0.0/8\n10.1.0.0/16 inner\n!10.200.0.0/16 other $1\nendif\nif !::1\n::/0 not "
		"local\nendif\n0.0.0.0/0 rest\n", HOSTS },
	{ "cidr", "[10.1.2.0/24] brackets\n[10.200.0.0]/16 more\n[2001:DB8::1] six\n!127.0.0.0/8 away\n  "
		"continued\n!::/0 never\n", HOSTS },
	{ "cidr", "0.0.0.0/0 all\n::/0 all six\n", HOSTS },
	{ "texthash", "a@b.test one\nX  spaced   out  \n*\n  star\n", ADDRESSES },
	{ "lmdb", "a@b.test one\nX  spaced   out  \n*\n  star\n", ADDRESSES },
	{ "lmdb", "\"q q\"@b.test quoted\n# no\npostmaster@c.test\n\n   later\r\nUser+Box@B.test "
		"first\nuser+box@b.test second\n", ADDRESSES },
	{ "lmdb", "a@b.test \xc3\xa4\nx y # no comment\n.b.test REJECT $1\ntwo words@b.test not that key\n",
		ADDRESSES },
	{ "texthash", "\"q q\"@b.test quoted\n# no\npostmaster@c.test\n\n   later\r\n", ADDRESSES },
};

/* A table that Postfix has complaints about. */
static const struct { const char *type, *file; } faults[] = {
	{ "regexp", "/a/ $1\n" }, { "regexp", "/a/ $x\n" }, { "regexp", "/(a)/ $1x\n" },
	{ "regexp", "!/(a)/ $1\n" },
	{ "regexp", "/a( x\n" }, { "regexp", "/a(/ x\n" }, { "regexp", "/a/q x\n" }, { "regexp", "key value\n" },
	{ "regexp", "endif\n" }, { "regexp", "if /a/\n/b/ x\n" }, { "regexp", "if /a/ x\nendif\n" },
	{ "regexp", "if /a/\n /b/ x\nendif\n" }, { "regexp", " /a/ x\n" }, { "regexp", "/a/\n" },
	{ "regexp", "if /a/\nendif x\n" },
	{ "regexp", "/(a)/ $0\n" }, { "regexp", "/(a)/ ${1\n" },
	{ "pcre", "/a(/ x\n" }, { "pcre", "/a/q x\n" }, { "pcre", "/(?<n>a)/ ${n}\n" }, { "pcre", "/(a)/ $2\n" },
	{ "pcre", "!/(a)/ $1\n" }, { "pcre", "if /a/\n" }, { "pcre", "/a/\n" }, { "pcre", "a x\n" },
	{ "pcre", "endif\n" },
	{ "cidr", "10.0.0.1/8 x\n" }, { "cidr", "10.0.0.0/33 x\n" }, { "cidr", "host x\n" },
	{ "cidr", "10.0.0.0/8\n" },
	{ "cidr", "010.0.0.0/8 x\n" }, { "cidr", "[::1 x\n" }, { "cidr", "[::1]x y\n" },
	{ "cidr", "[::/0]/0 x\n" },
	{ "cidr", "endif\n" }, { "cidr", "if ::/0 x\nendif\n" }, { "cidr", "if 10.0.0.0/8\n" },
	{ "cidr", "::/129 x\n" },
};

static char *write_file(const char *name, const char *text)
{
	return unit_write(dir, name, text);
}

/* The file as a string, to free(). */
static char *read_file(const char *name)
{
	char *path = mem_fmt("%s/%s", dir, name), *text = unit_read(path);

	free(path);
	return text;
}

/* Has postmap make a database of the table if that type is one. */
static void make_database(const char *spec)
{
	char *command;

	if (strncmp(spec, "lmdb:", 5) != 0)
		return;
	command = mem_fmt(POSTMAP " -c %s '%s' 2>%s/said", dir, spec, dir);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

/* Leaves what postmap finds in the file "found", and what it says in "said". */
static void ask_postmap(const char *spec, const char *keys)
{
	char *command;

	free(write_file("keys", keys));
	command = mem_fmt(POSTMAP " -c %s -q - '%s' <%s/keys >%s/found 2>%s/said", dir, spec, dir, dir, dir);
	ck_assert_int_ge(system(command), 0);
	free(command);
}

static char *our_answers(const char *spec, const char *const keys[KEYS_MAX])
{
	char *why = NULL;
	struct table *t = table_open(spec, &why);
	const char *error;
	struct buf out;

	ck_assert_msg(t, "%s", why);
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < KEYS_MAX && keys[i]; i++) {
		const char *value = table_get(t, keys[i], &error);

		ck_assert_msg(!error, "%s", error);
		if (value)
			buf_fmt(&out, "%s\t%s\n", keys[i], value);
	}
	table_free(t);
	return out.len ? buf_take(&out) : mem_str("");
}

START_TEST(test_same_answers)
{
	char *path = write_file("table", tables[_i].file), *spec = mem_fmt("%s:%s", tables[_i].type, path);
	char *ours, *found, *said;
	struct buf keys;

	make_database(spec);
	ours = our_answers(spec, tables[_i].keys);
	buf_init(&keys, 1 << 16);
	for (size_t i = 0; i < KEYS_MAX && tables[_i].keys[i]; i++)
		buf_fmt(&keys, "%s\n", tables[_i].keys[i]);
	ask_postmap(spec, buf_text(&keys));
	found = read_file("found");
	said = read_file("said");
	ck_assert_str_eq(said, "");
	ck_assert_str_ne(found, "");
	ck_assert_str_eq(ours, found);
	free(path);
	free(spec);
	free(ours);
	free(found);
	free(said);
	buf_free(&keys);
}
END_TEST

START_TEST(test_same_complaints)
{
	char *path = write_file("table", faults[_i].file), *spec = mem_fmt("%s:%s", faults[_i].type, path), *said;
	char *why = NULL;

	ck_assert_msg(!table_open(spec, &why), "%s was taken", faults[_i].file);
	ask_postmap(spec, "a\nb\n10.0.0.1\n");
	said = read_file("said");
	ck_assert_msg(strstr(said, "warning: ") || strstr(said, "fatal: "), "Postfix does not mind %s",
		faults[_i].file);
	free(path);
	free(spec);
	free(said);
	free(why);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "same answers", test_same_answers, UNIT_ROWS(tables), 0 },
		{ "same complaints", test_same_complaints, UNIT_ROWS(faults), 0 },
	};
	char *command;
	int failed;

	if (access(POSTMAP, X_OK) != 0) {
		printf(POSTMAP " (Debian packages postfix, postfix-lmdb, postfix-pcre) is not installed: nothing "
			"compared\n");
		return 77;
	}
	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	free(write_file("main.cf", "compatibility_level = 3.6\n"));
	failed = unit_main("table/postmap", cases, UNIT_ROWS(cases));
	command = mem_fmt("rm -r %s", dir);
	if (system(command) != 0)
		failed = EXIT_FAILURE;
	free(command);
	return failed;
}
