/* generic_maps: what becomes of addresses, seen with Postfix and the same tables where it has an answer, and
 * of header fields. */
#include <string.h>

#include "base/mem.h"
#include "courier/content/generic.h"
#include "unit.h"

#define TABLE \
	"inline:{ a@client.test=new@m.test, plain@d.test=other+box@m.test, ext@d.test=extnew@m.test, " \
	"ext+full@d.test=full@m.test," \
	" @at.test=@atnew.test, @at1.test=one@atnew.test, bare=barenew@m.test, bare+f=full@m.test, " \
	"{\"q q\"@d.test = quoted@m.test}," \
	" qx.y@d.test=dot@m.test, nodom@d.test=nodomain, {multi@d.test = m1@x.test, m2@x.test}," \
	" {disp@d.test = \"Disp Name\" <dn@x.test>}, {quot@d.test = \"a b\"@x.test}, " \
	"chain@d.test=chain2@d.test," \
	" chain2@d.test=chain3@d.test, upper@d.test=Upper@M.test, lit@[127.0.0.1]=lit@x.test, " \
	"{comment@d.test = cn@x.test (c)}," \
	" same@d.test=same@d.test, atres@d.test=@new.test, @d2.test=r+ext@new.test, " \
	"e1+foo@local.test=@new.test," \
	" +x@d.test=plusx@m.test, pm@d.test=x@m.test, owner-x@d.test=ox@m.test, nul@d.test=n@m.test," \
	" empty@d.test=<>, junk@d.test=:::, bad@d.test=@-, long@d.test=@m.test, wild@d.test=w@m.test," \
	" j\xc3\xb6@d.test=joerg@m.test, @m\xc3\xbcnchen.test=muc@m.test, root@origin.test=admin@m.test, " \
	"postmaster@d.test=p@m.test }"
#define PATTERNS \
	" regexp:{{/^\"q q\"@rx/ quoted@m.test}, {/^p p@rx/ never@m.test}, {/^(.*)@cap\\.test/ $1@m.test}, " \
	"{/^full@rx/ never@m.test}," \
	" {/^[+]ext@/ never@m.test}, {/^full\\+e@rx/ fe@m.test}}"

/* An address, and what becomes of it: without propagate_unmatched_extensions, and with generic in it (NULL:
 * the same); "!": an error that holds the words. */
static const struct { const char *address, *without, *with; } rows[] = {
	{ "a@client.test", "new@m.test", NULL },
	{ "A@CLIENT.test", "new@m.test", NULL },
	{ "b@client.test", "b@client.test", NULL },
	{ "", "", NULL },
	{ "plain@d.test", "other+box@m.test", NULL },
	{ "ext+foo@d.test", "extnew@m.test", "extnew+foo@m.test" },
	{ "ext+a+b@d.test", "extnew@m.test", "extnew+a+b@m.test" },
	{ "ext+@d.test", "extnew@m.test", "extnew+@m.test" },
	{ "ext+full@d.test", "full@m.test", NULL },
	{ "ext-foo@d.test", "ext-foo@d.test", NULL },
	{ "plain+x@d.test", "other+box@m.test", "other+box+x@m.test" },
	{ "who+x@at.test", "who+x@atnew.test", NULL },
	{ "x+y@at1.test", "one@atnew.test", NULL },
	{ "x+y@sub.at.test", "x+y@sub.at.test", NULL },
	{ "xx+yy@d2.test", "r+ext@new.test", NULL },
	{ "bare@local.test", "barenew@m.test", NULL },
	{ "bare@origin.test", "barenew@m.test", NULL },
	{ "bare@ORIGIN.test", "barenew@m.test", NULL },
	{ "bare@sub.local.test", "barenew@m.test", NULL },
	{ "bare@other.test", "bare@other.test", NULL },
	{ "bare+e@local.test", "barenew@m.test", "barenew+e@m.test" },
	{ "bare+f@local.test", "full@m.test", NULL },
	{ "bare", "barenew@m.test", NULL },
	{ "root", "admin@m.test", NULL },
	{ "nobody", "nobody", NULL },
	{ "\"q q\"@d.test", "quoted@m.test", NULL },
	{ "\"q q+e\"@d.test", "quoted@m.test", "quoted+e@m.test" },
	{ "\"qx.y\"@d.test", "dot@m.test", NULL },
	{ "nodom@d.test", "nodomain@origin.test", NULL },
	{ "multi@d.test", "m1@x.test", NULL },
	{ "disp@d.test", "dn@x.test", NULL },
	{ "quot@d.test", "\"a b\"@x.test", NULL },
	{ "quot+x@d.test", "\"a b\"@x.test", "\"a b+x\"@x.test" },
	{ "chain@d.test", "chain2@d.test", NULL },
	{ "UPPER@D.test", "Upper@M.test", NULL },
	{ "lit@[127.0.0.1]", "lit@x.test", NULL },
	{ "comment@d.test", "cn@x.test", NULL },
	{ "same@d.test", "same@d.test", NULL },
	{ "atres@d.test", "atres@new.test", NULL },
	{ "atres+foo@d.test", "atres@new.test", "atres+foo@new.test" },
	{ "e1+foo@local.test", "e1+foo@new.test", NULL },
	{ "+x@d.test", "plusx@m.test", NULL },
	{ "+y@d.test", "+y@d.test", NULL },
	{ "owner-x-y@d.test", "owner-x-y@d.test", NULL },
	{ "postmaster@d.test", "p@m.test", NULL },
	{ "postmaster+x@d.test", "p@m.test", "p+x@m.test" },
	{ "j\xc3\xb6@d.test", "joerg@m.test", NULL },
	{ "x@m\xc3\xbcnchen.test", "muc@m.test", NULL },
	{ "\"q q\"@rx.test", "quoted@m.test", NULL },
	{ "\"p p\"@rx.test", "\"p p\"@rx.test", NULL },
	{ "\"x y\"@cap.test", "\"x y\"@m.test", NULL },
	{ "x+y@cap.test", "x+y@m.test", NULL },
	{ "full+e@rx.test", "fe@m.test", NULL },
	{ "full+ext@rx.test", "full+ext@rx.test", NULL },
	{ "empty@d.test", "!the result \"<>\" is no address", NULL },
	{ "junk@d.test", "!the result \":::\" is no address", NULL },
	{ "bad@d.test", "!the result \"@-\" is no address", NULL },
	{ "bad+x@d.test", "!bad@d.test", NULL },
};

struct world {
	struct settings *settings;
	struct generic *generic;
};

static void set(struct world *w, const char *path, const char *value)
{
	const char *why;

	ck_assert_msg(settings_set(w->settings, path, value, &why), "%s: %s", path, why);
}

static void begin(struct world *w, const char *maps, const char *propagate)
{
	char *why;

	w->settings = settings_new();
	set(w, "myorigin", "origin.test");
	set(w, "mailbox_domains", "local.test .local.test");
	set(w, "recipient_delimiter", "+");
	set(w, "propagate_unmatched_extensions", propagate);
	set(w, "lmtp.generic_maps", maps);
	w->generic = generic_new(w->settings, w->settings->lmtp, &why);
	ck_assert_msg(w->generic, "%s", why);
}

static void end(struct world *w)
{
	generic_free(w->generic);
	settings_free(w->settings);
}

static void check_address(struct world *w, const char *address, const char *expected)
{
	enum generic_result r;
	const char *why = "";
	struct buf out;

	buf_init(&out, 2000);
	r = generic_map(w->generic, text_of(address), &out, &why);
	if (*expected == '!') {
		ck_assert_int_eq(r, GENERIC_ERROR);
		ck_assert_msg(strstr(why, expected + 1) && strstr(why, "generic_maps: "), "%s", why);
	} else if (strcmp(address, expected) == 0) {
		ck_assert_msg(r == GENERIC_SAME, "%s became %s %s", address, buf_text(&out), why);
	} else {
		ck_assert_msg(r == GENERIC_OTHER, "%s stays", address);
		ck_assert_str_eq(buf_text(&out), expected);
	}
	buf_free(&out);
}

START_TEST(test_AD_5_to_8_addresses)
{
	struct world w;

	begin(&w, TABLE PATTERNS, "canonical, virtual");
	check_address(&w, rows[_i].address, rows[_i].without);
	end(&w);
	begin(&w, TABLE PATTERNS, "virtual Generic");
	check_address(&w, rows[_i].address, rows[_i].with ? rows[_i].with : rows[_i].without);
	end(&w);
}
END_TEST

/* Delimiters, a local part, and how its extension is cut off (it comes back behind a "new" local part). */
static const struct { const char *delimiters, *local, *expected; } extensions[] = {
	{ "", "k+x", "k+x@d.test" }, { "+-", "k+x-y", "new+x-y@m.test" }, { "+-", "k-x+y", "new-x+y@m.test" },
	{ "-", "owner-k", "owner-k@d.test" }, { "-", "k-request", "k-request@d.test" },
	{ "+", "owner-k", "owner-k@d.test" },
	{ "+", "k+request", "new+request@m.test" }, { "+-", "k+x-request", "k+x-request@d.test" },
	{ "/", "k/x", "new/x@m.test" },
	{ "+", "mailer-daemon", "mailer-daemon@d.test" }, { "-", "mailer-daemon", "mailer-daemon@d.test" },
	{ "-", "double-bounce", "double-bounce@d.test" }, { "-", "Request", "Request@d.test" },
	{ "+", "k", "new@m.test" },
	{ "k", "k", "new@m.test" }, { "k", "kk", "kk@d.test" },
};

START_TEST(test_recipient_delimiter)
{
	struct world w;
	char *address = mem_fmt("%s@d.test", extensions[_i].local);

	begin(&w, "inline:{k@d.test=new@m.test, mailer@d.test=no@m.test, double@d.test=no@m.test, "
		"owner@d.test=no@m.test}", "generic");
	set(&w, "recipient_delimiter", extensions[_i].delimiters);
	check_address(&w, address, extensions[_i].expected);
	free(address);
	end(&w);
}
END_TEST

/* Local parts as long as an address of 1000 bytes allows, and what does not fit behind them any more. */
START_TEST(test_long)
{
	static const struct { size_t n; const char *from, *to; } sizes[] = {
		{ 984, "@at.test", "@atnew.test" }, { 989, "@at.test", "@atnew.test" }, { 990, "@at.test", NULL },
		{ 992, "@at.test", NULL }, { 993, "@x.test", "@x.test" },
	};
	char *local = mem_alloc(sizes[_i].n + 1), *address, *expected;
	struct world w;

	memset(local, 'l', sizes[_i].n);
	address = mem_fmt("%s%s", local, sizes[_i].from);
	expected = sizes[_i].to ? mem_fmt("%s%s", local, sizes[_i].to) : mem_str("!is no address");
	begin(&w, TABLE, "");
	check_address(&w, address, expected);
	free(local);
	free(address);
	free(expected);
	end(&w);
}
END_TEST

/* A field, and how it goes out. */
static const struct { const char *field, *expected; } fields[] = {
	{ "From: \"A, B\" <a@client.test> (cmt)\r\n", "From: \"A, B\" <new@m.test> (cmt)\r\n" },
	{ "To: plain@d.test,ext+foo@d.test ,\r\n   Name  Here <who+x@at.test>, x@y.test\r\n",
	  "To: other+box@m.test,extnew@m.test ,\r\n   Name  Here <who+x@atnew.test>, x@y.test\r\n" },
	{ "Sender: <@r.test,@s.test:plain@d.test>\r\n", "Sender: <other+box@m.test>\r\n" },
	{ "Reply-To: g: plain@d.test, O <o@z.test>;, undisclosed:;\r\n",
		"Reply-To: g: other+box@m.test, O <o@z.test>;, undisclosed:;\r\n" },
	{ "From: root (Cron Daemon)\r\n", "From: admin@m.test (Cron Daemon)\r\n" },
	{ "From: nobody\r\n", "From: nobody\r\n" },
	{ "To: (c1) me <(c2)plain@d.test(c3)>\r\n", "To: (c1) me <(c2)other+box@m.test(c3)>\r\n" },
	{ "To: plain @ d . test\r\n", "To: other+box@m.test\r\n" },
	{ "To:plain@d.test\r\n", "To:other+box@m.test\r\n" },
	{ "To:\r\n plain@d.test\r\n", "To:\r\n other+box@m.test\r\n" },
	{ "To : quot@d.test\r\n", "To : \"a b\"@x.test\r\n" },
	{ "To: unchanged   spaces <x@y.test>,   (c)   y@y.test\r\n",
		"To: unchanged   spaces <x@y.test>,   (c)   y@y.test\r\n" },
	{ "To: not an address plain@d.test\r\n", "To: not an address plain@d.test\r\n" },
	{ "To: x@y.test, junk@d.test\r\n", "!the result \":::\" is no address" },
	{ "To:\r\n", "To:\r\n" },
	{ "\r\n", "\r\n" },
	{ "To: plain@d.test", "To: other+box@m.test" },
};

START_TEST(test_B_23_fields)
{
	struct text field = text_of(fields[_i].field), value = field, name;
	struct world w;
	const char *why = "";
	struct buf out;

	buf_init(&out, 10000);
	begin(&w, TABLE, "");
	buf_str(&out, "before");
	text_until(&value, ':', &name);
	if (*fields[_i].expected == '!') {
		ck_assert(!generic_field(w.generic, field, value, &out, &why));
		ck_assert_msg(strstr(why, fields[_i].expected + 1), "%s", why);
	} else {
		ck_assert_msg(generic_field(w.generic, field, value, &out, &why), "%s", why);
		ck_assert_str_eq(buf_text(&out) + strlen("before"), fields[_i].expected);
	}
	buf_free(&out);
	end(&w);
}
END_TEST

/* Where longer addresses make a line too long, it is folded ahead of one. */
START_TEST(test_B_24_long_lines_are_folded)
{
	struct world w;
	struct buf field, out;
	struct text rest, line, value, name;
	size_t addresses = 0;
	const char *why;

	begin(&w, "inline:{@s.test=a-much-longer-name@a-much-longer-domain.test}", "");
	buf_init(&field, 100000);
	buf_init(&out, 1000000);
	buf_str(&field, "To: x@s.test");
	for (int i = 0; i < 1000; i++)
		buf_str(&field, ",x@s.test");
	buf_str(&field, "\r\n");
	value = text_make(field.data, field.len);
	text_until(&value, ':', &name);
	ck_assert(generic_field(w.generic, text_make(field.data, field.len), value, &out, &why));
	rest = text_make(out.data, out.len);
	while (text_until(&rest, '\n', &line)) {
		ck_assert_uint_le(line.n, 998 + 1 + 1);   /* a comma, CR */
		ck_assert(line.p == out.data || *line.p == '\t');
		for (size_t i = 0; i < line.n; i++)
			addresses += line.p[i] == '@';
	}
	ck_assert_uint_eq(addresses, 1001);
	buf_free(&field);
	buf_free(&out);
	end(&w);
}
END_TEST

START_TEST(test_envelope)
{
	struct envelope *e = envelope_new(), *mapped;
	struct world w;
	const char *why;

	begin(&w, TABLE, "");
	free(e->sender);
	e->sender = mem_str("a@client.test");
	envelope_add(e, "plain@d.test", NULL, 0);
	envelope_add(e, "x@y.test", NULL, 0);
	mapped = generic_envelope(w.generic, e, &why);
	ck_assert_str_eq(mapped->sender, "new@m.test");
	ck_assert_uint_eq(mapped->count, 2);
	ck_assert_str_eq(mapped->rcpts[0].address, "other+box@m.test");
	ck_assert_str_eq(mapped->rcpts[1].address, "x@y.test");
	envelope_free(mapped);
	envelope_add(e, "junk@d.test", NULL, 0);
	ck_assert_ptr_null(generic_envelope(w.generic, e, &why));
	ck_assert_msg(strstr(why, "junk@d.test"), "%s", why);
	envelope_free(e);
	end(&w);
}
END_TEST

static const struct { const char *maps, *domains, *complaint; } openings[] = {
	{ "", "", NULL }, { "texthash:/nonexistent", "", "cannot open" },
	{ "hash:/x", "", "no lookup table type" },
	{ "inline:{a=b}", "texthash:/nonexistent", "cannot open" }, { "/etc/words", "", "is no lookup table" },
};

START_TEST(test_openings)
{
	struct world w = { .settings = settings_new() };
	char *why;

	set(&w, "mailbox_domains", openings[_i].domains);
	set(&w, "smtp.generic_maps", openings[_i].maps);
	ck_assert_ptr_null(generic_new(w.settings, w.settings->smtp, &why));
	if (openings[_i].complaint)
		ck_assert_msg(strstr(why, openings[_i].complaint), "%s", why);
	else
		ck_assert_ptr_null(why);
	free(why);
	settings_free(w.settings);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "addresses", test_AD_5_to_8_addresses, UNIT_ROWS(rows), 0 },
		{ "recipient_delimiter", test_recipient_delimiter, UNIT_ROWS(extensions), 0 },
		{ "long", test_long, 5, 0 },
		{ "fields", test_B_23_fields, UNIT_ROWS(fields), 0 },
		{ "long lines are folded", test_B_24_long_lines_are_folded, 1, 0 },
		{ "envelope", test_envelope, 1, 0 },
		{ "openings", test_openings, UNIT_ROWS(openings), 0 },
	};

	return unit_main("courier/generic", cases, UNIT_ROWS(cases));
}
