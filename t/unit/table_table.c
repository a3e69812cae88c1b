#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "table_files.h"
#include "unit.h"

/* Content of the table, a key, and its value (NULL: no hit). */
static const struct { const char *inline_text, *file, *key, *value; } hits[] = {
	{ "{k=v}", "k v\n", "k", "v" },
	{ "{k=v}", "k v", "k", "v" },
	{ "{k=v}", "k v\n", "K", "v" },
	{ "{K=V}", "K V\n", "k", "V" },
	{ "{k=v}", "k v\n", "kk", NULL },
	{ "{k=v}", "k v\n", "", NULL },
	{ "{a=1, b=2}", "a 1\nb 2\n", "b", "2" },
	{ "{ a=1  b=2 }", "a\t1\nb  \t 2  \n", "b", "2" },
	{ "{a=lmtp:unix:/run/x}", "a lmtp:unix:/run/x\n", "a", "lmtp:unix:/run/x" },
	{ "{a=x=y}", "a x=y\n", "a", "x=y" },
	{ "{{a = two words}, b=2}", "a two words\nb 2\n", "a", "two words" },
	{ "{{a = two words}, b=2}", "a two\n words\nb 2\n", "a", "two words" },
	{ NULL, "a\n 1\nb\n\t2\n", "b", "2" },
	{ NULL, "# comment\n\na 1\n# another\n  # indented\nb 2\n", "b", "2" },
	{ NULL, "a one\n# comment\n\n   two\nb 2\n", "a", "one   two" },
	{ NULL, "a one # no comment\n", "a", "one # no comment" },
	{ NULL, "a 1\r\nb 2\r\n", "a", "1" },
	{ NULL, "\"john doe\"@a.test lmtp:1\n", "\"John Doe\"@a.test", "lmtp:1" },
	{ NULL, "a 1\na 2\n", "a", "1" },
	{ NULL, "only-a-key\na 1\n", "a", "1" },
	{ NULL, "only-a-key\na 1\n", "only-a-key", NULL },
	{ NULL, "", "a", NULL },
	{ NULL, "\n\n#\n", "a", NULL },
	{ NULL, "\xc3\xa4@a.test x\n", "\xc3\xa4@a.test", "x" },
};

START_TEST(test_hit)
{
	char *spec = table_file("texthash", hits[_i].file, strlen(hits[_i].file));

	table_check_hit(spec, hits[_i].key, hits[_i].value);
	free(spec);
	table_file_remove();
	if (!hits[_i].inline_text)
		return;
	spec = mem_fmt("inline:%s", hits[_i].inline_text);
	table_check_hit(spec, hits[_i].key, hits[_i].value);
	free(spec);
}
END_TEST

/* What cannot be opened, and what the complaint must hold. */
static const struct { const char *spec, *complaint; } refusals[] = {
	{ "", "written type:name" },
	{ "texthash", "written type:name" },
	{ "texthash:", "written type:name" },
	{ ":x", "no lookup table type" },
	{ "hash:/etc/transport", "no lookup table type \"hash\"" },
	{ "TEXTHASH:/x", "no lookup table type" },
	{ "lmdb:/nonexistent/x", "cannot open /nonexistent/x.lmdb: No such file" },
	{ "static:", "written type:name" },
	{ "regexp:/nonexistent/file", "regexp:/nonexistent/file: cannot open: No such file" },
	{ "pcre:/nonexistent/file", "pcre:/nonexistent/file: cannot open: No such file" },
	{ "cidr:/tmp", "cidr:/tmp: cannot read: Is a directory" },
	{ "texthash:/nonexistent/file", "/nonexistent/file: cannot open: No such file" },
	{ "texthash:/tmp", "texthash:/tmp: cannot read: Is a directory" },
	{ "inline:k=v", "inline:{key=value" },
	{ "inline:{}", "empty" },
	{ "inline:{k}", "\"k\" is not key=value" },
	{ "inline:{=v}", "is not key=value" },
	{ "inline:{a=1 a=2}", "\"a\" stands twice" },
	{ "inline:{a=1 A=2}", "\"A\" stands twice" },
	{ "inline:{a=1 {b}}", "is not key=value" },
};

START_TEST(test_refusal)
{
	table_check_refused(refusals[_i].spec, refusals[_i].complaint);
}
END_TEST

static const struct { const char *bytes; size_t n; const char *complaint; } bad_files[] = {
	{ "a 1\n b\n c 2\nd\0 3\n", 17, "line 4: a NUL byte" },
	{ "\0", 1, "line 1: a NUL byte" },
	{ " leading 1\n", 11, "line 1: begins with a blank" },
	{ "# x\n\n\tleading 1\n", 16, "line 3: begins with a blank" },
};

START_TEST(test_bad_file)
{
	char *spec = table_file("texthash", bad_files[_i].bytes, bad_files[_i].n);

	table_check_refused(spec, bad_files[_i].complaint);
	table_check_refused(spec, table_file_path());
	free(spec);
	table_file_remove();
}
END_TEST

START_TEST(test_many_keys)
{
	struct buf b;
	char *spec, key[40], value[40];

	buf_init(&b, 1 << 24);
	for (int i = 0; i < 50000; i++)
		buf_fmt(&b, "user%d@a.test lmtp:store%d\n", i, i % 7);
	spec = table_file("texthash", buf_text(&b), b.len);
	for (int i = 0; i < 50000; i += 16000) {
		snprintf(key, sizeof key, "User%d@A.test", i);
		snprintf(value, sizeof value, "lmtp:store%d", i % 7);
		table_check_hit(spec, key, value);
	}
	buf_free(&b);
	free(spec);
	table_file_remove();
}
END_TEST

static const struct { const char *spec, *key, *value; } statics[] = {
	{ "static:x", "any", "x" },
	{ "static:x", "", "x" },
	{ "static:Lmtp:[::1]:24", "any", "Lmtp:[::1]:24" },
	{ "static:{ two words }", "any", "two words" },
	{ "static:a b", "any", "a b" },
};

START_TEST(test_static)
{
	table_check_hit(statics[_i].spec, statics[_i].key, statics[_i].value);
}
END_TEST

START_TEST(test_long_key)
{
	char key[5000];

	memset(key, 'k', sizeof key);
	key[sizeof key - 1] = '\0';
	table_check_hit("inline:{k=v}", key, NULL);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "hit", test_hit, UNIT_ROWS(hits), 0 },
		{ "refusal", test_refusal, UNIT_ROWS(refusals), 0 },
		{ "bad file", test_bad_file, UNIT_ROWS(bad_files), 0 },
		{ "static", test_static, UNIT_ROWS(statics), 0 },
		{ "many keys", test_many_keys, 1, 0 },
		{ "long key", test_long_key, 1, 0 },
	};

	return unit_main("table/table", cases, UNIT_ROWS(cases));
}
