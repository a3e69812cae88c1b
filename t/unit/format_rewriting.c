#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "format/rewriting/rewriting.h"

#define V "MIME-Version: 1.0\r\n"
#define QP "Content-Transfer-Encoding: quoted-printable\r\n"
#define B64 "Content-Transfer-Encoding: base64\r\n"
#define E7 "Content-Transfer-Encoding: 7bit\r\n"
#define E8 "Content-Transfer-Encoding: 8bit\r\n"
#define MULTI V "Content-Type: multipart/mixed; boundary=b\r\n"
#define UE "\xc3\xbc"
#define NEWS "\xd0\xbd\xd0\xbe\xd0\xb2\xd0\xbe\xd1\x81\xd1\x82\xd0\xb8"
#define TEN "0123456789"

struct row {
	const char *in, *out;
};

static const struct rewriting_setup limits = { .header_limit = 200, .boundary_limit = 80, .nesting_limit = 3,
	.record_limit = 10, .line_limit = 998 };

/* The same comes out however the bytes are cut. */
static void check(const struct rewriting_setup *setup, struct row row)
{
	size_t length = strlen(row.in);

	for (size_t step = 1; step <= length; step++) {
		struct rewriting *r = rewriting_new(setup);
		const char *dsn;
		struct buf out;

		buf_init(&out, 100000);
		for (size_t at = 0; at < length; at += step)
			if (!rewriting_add(r, text_make(row.in + at, at + step < length ? step : length - at), &out))
				buf_clear(&out), buf_str(&out, rewriting_failure(r, &dsn));
		ck_assert_str_eq(buf_text(&out), row.out);
		buf_free(&out);
		rewriting_free(r);
	}
}

static const struct row converted[] = {
	/* what is declared 8bit is encoded, and says so in the last field */
	{ V E8 "X: y\r\n\r\ngr" UE "n\r\n.\r\n", V "X: y\r\n" QP "\r\ngr=C3=BCn\r\n.\r\n" },
	{ V "Content-Transfer-Encoding: BINARY\r\n\r\na\r\n.\r\n", V QP "\r\na\r\n.\r\n" },
	/* what is not declared, if it has to be */
	{ V "\r\n" UE "\r\n.\r\n", V QP "\r\n=C3=BC\r\n.\r\n" },
	{ "\r\n" UE "\r\n.\r\n", V QP "\r\n=C3=BC\r\n.\r\n" },
	{ UE "\r\n.\r\n", V QP "\r\n=C3=BC\r\n.\r\n" },
	{ "A: b\r\n" UE "\r\n.\r\n", "A: b\r\n" V QP "\r\n=C3=BC\r\n.\r\n" },
	{ E7 "X: y\r\n" V "\r\n" UE "\r\n.\r\n", "X: y\r\n" V QP "\r\n=C3=BC\r\n.\r\n" },
	{ E7 "X: y\r\n\r\nplain\r\n.\r\n", E7 "X: y\r\n\r\nplain\r\n.\r\n" },
	{ "Content-Transfer-Encoding: 8-bit\r\n" V "\r\n" UE "\r\n.\r\n", V QP "\r\n=C3=BC\r\n.\r\n" },
	/* the first of two codings counts, and neither stays */
	{ V E7 E8 "\r\n" UE "\r\n.\r\n", V QP "\r\n=C3=BC\r\n.\r\n" },
	{ V QP E8 "\r\n=3D\r\n.\r\n", V QP E8 "\r\n=3D\r\n.\r\n" },
	/* the form of quoted-printable */
	{ V E8 "\r\na=b \r\n\t\r\n\x01\x7f\r\n..\r\n.\r\n", V QP "\r\na=3Db=20\r\n=09\r\n=01=7F\r\n..\r\n"
	  ".\r\n" },
	{ V E8 "\r\n" TEN TEN TEN TEN TEN TEN TEN "123\r\n"
	  ".\r\n", V QP "\r\n" TEN TEN TEN TEN TEN TEN TEN "123\r\n.\r\n" },
	{ V E8 "\r\n" TEN TEN TEN TEN TEN TEN TEN "1234\r\n.\r\n",
	  V QP "\r\n" TEN TEN TEN TEN TEN TEN TEN "123=\r\n4\r\n.\r\n" },
	{ V E8 "\r\n" TEN TEN TEN TEN TEN TEN TEN "12 \r\n"
	  ".\r\n", V QP "\r\n" TEN TEN TEN TEN TEN TEN TEN "12=20\r\n.\r\n" },
	{ V E8 "\r\n" TEN TEN TEN TEN TEN TEN TEN "12" UE "\r\n.\r\n",
	  V QP "\r\n" TEN TEN TEN TEN TEN TEN TEN "12=C3=\r\n=BC\r\n.\r\n" },
	/* where base64 takes much less room */
	{ V E8 "\r\n" NEWS NEWS NEWS NEWS NEWS NEWS NEWS NEWS "\r\n.\r\n",
	  V B64 "\r\n0L3QvtCy0L7RgdGC0LjQvdC+0LLQvtGB0YLQuNC90L7QstC+0YHRgtC40L3QvtCy0L7RgdGC0LjQ\r\n"
	  "vdC+0LLQvtGB0YLQuNC90L7QstC+0YHRgtC40L3QvtCy0L7RgdGC0LjQvdC+0LLQvtGB0YLQuA0K\r\n.\r\n" },
	/* multiparts say 7bit */
	{ MULTI E8 "X: y\r\n\r\npre\r\n--b\r\n" E8 "\r\n" UE "\r\n--b\r\n\r\nplain\r\n--b--\r\npost\r\n.\r\n",
	  MULTI "X: y\r\n" E7 "\r\npre\r\n--b\r\n" QP "\r\n=C3=BC\r\n--b\r\n\r\nplain\r\n--b--\r\npost\r\n"
	  ".\r\n" },
	{ MULTI "\r\n--b\r\n" E8 "--b--\r\n.\r\n", MULTI "\r\n--b\r\n" QP "\r\n--b--\r\n.\r\n" },
	/* what only encoding would make a boundary is disguised */
	{ V "Content-Type: multipart/x; boundary=\"a=C3=BC\"\r\n\r\n--a=C3=BC\r\n" E8 "\r\n--a" UE "\r\n"
	  "--a=C3=BC--\r\n.\r\n",
	  V "Content-Type: multipart/x; boundary=\"a=C3=BC\"\r\n\r\n--a=C3=BC\r\n" QP "\r\n=2D-a=C3=BC\r\n"
	  "--a=C3=BC--\r\n.\r\n" },
	/* attached messages */
	{ V "Content-Type: message/rfc822\r\n" E8 "\r\nSubject: " UE "\r\n\r\n" UE "\r\n.\r\n",
	  V "Content-Type: message/rfc822\r\n" E7 "\r\nSubject: =?utf-8?q?=C3=BC?=\r\n" V QP "\r\n=C3=BC\r\n"
	  ".\r\n" },
	{ V "Content-Type: message/global\r\n" E8 "\r\nSubject: " UE "\r\n\r\n" UE "\r\n.\r\n",
	  V "Content-Type: message/global\r\n" QP "\r\nSubject: =C3=BC\r\n\r\n=C3=BC\r\n.\r\n" },
	/* what is encoded already is mended only */
	{ V QP "\r\na" UE "=C3=BC=\r\n=" UE "=4" UE "\r\n.\r\n", V QP "\r\na=C3=BC=C3=BC=\r\n"
	  "=3D=C3=BC=4=C3=BC\r\n.\r\n" },
	{ V B64 "\r\nYQ" UE "==\r\n.\r\n", V B64 "\r\nYQ?\?==\r\n.\r\n" },
	/* what must not be changed */
	{ MULTI "\r\n" UE "\r\n--b--\r\n" UE "\r\n.\r\n", MULTI "\r\n" UE "\r\n--b--\r\n" UE "\r\n.\r\n" },
	{ V "Content-Type: multipart/signed; boundary=b\r\n" E8 "\r\n--b\r\n" E8 "X: " UE "\r\n"
	  "\r\n" UE "\r\n--b--\r\n.\r\n",
	  V "Content-Type: multipart/signed; boundary=b\r\n" E8 "\r\n--b\r\n" E8 "X: " UE "\r\n"
	  "\r\n" UE "\r\n--b--\r\n.\r\n" },
	{ V "Content-Type: multipart/mixed\r\n" E8 "\r\n" UE "\r\n"
	  ".\r\n", V "Content-Type: multipart/mixed\r\n" E8 "\r\n" UE "\r\n.\r\n" },
	{ V "Content-Type: message/partial\r\n" E8 "\r\n" UE "\r\n"
	  ".\r\n", V "Content-Type: message/partial\r\n" E8 "\r\n" UE "\r\n.\r\n" },
	{ V "Content-Transfer-Encoding: x-uue\r\n\r\n" UE "\r\n"
	  ".\r\n", V "Content-Transfer-Encoding: x-uue\r\n\r\n" UE "\r\n.\r\n" },
	/* deeper than the limit */
	{ MULTI "\r\n--b\r\n" MULTI "\r\n--b\r\n" MULTI "\r\n--b\r\n" MULTI "\r\n.\r\n",
	  "MIME nesting exceeds the safety limit (mime_nesting_limit)" },
};

START_TEST(test_converts)
{
	struct rewriting_setup setup = limits;

	setup.seven_bit = true;
	check(&setup, converted[_i]);
}
END_TEST

/* Other than in ASCII the header does not go, all else stays. */
static const struct row downgraded[] = {
	{ "From: " UE " <a@b>\r\nSubject: x\r\n" V E8 "\r\n" UE "\r\n.\r\n",
	  "From: =?utf-8?q?=C3=BC?= <a@b>\r\nSubject: x\r\n" V E8 "\r\n" UE "\r\n.\r\n" },
	{ MULTI "\r\n--b\r\nContent-Type: a/b; name=" UE "\r\n\r\n" UE "\r\n--b--\r\n.\r\n",
	  MULTI "\r\n--b\r\nContent-Type: a/b;\r\n\tname*=utf-8''%C3%BC\r\n\r\n" UE "\r\n--b--\r\n.\r\n" },
	{ V "Content-Type: message/global\r\n\r\nX: " UE "\r\n.\r\n", V "Content-Type: message/global\r\n"
	  "\r\nX: " UE "\r\n.\r\n" },
};

START_TEST(test_downgrades)
{
	struct rewriting_setup setup = limits;

	setup.ascii_header = true;
	check(&setup, downgraded[_i]);
}
END_TEST

static const struct row cut[] = {
	{ "A: b\r\n\r\n" TEN TEN "1\r\n.\r\n", "A: b\r\n\r\n" TEN TEN "\r\n 1\r\n.\r\n" },
	/* nothing else is changed */
	{ "A: b\r\nno empty line\r\n.\r\n", "A: b\r\nno empty line\r\n.\r\n" },
	{ MULTI "\r\n--b\r\nX: " TEN " " TEN "\r\n\r\n" TEN " " TEN "\r\n.\r\n",
	  "MIME-Version: 1.0\r\nContent-Type:\r\n multipart/mixed;\r\n boundary=b\r\n\r\n"
	  "--b\r\nX: " TEN "\r\n " TEN "\r\n\r\n" TEN " 012345678\r\n 9\r\n.\r\n" },
	/* header fields are folded, and cut where a word is longer than a line */
	{ "A: " TEN TEN "12345 6\r\n\r\n.\r\n", "A:\r\n " TEN "012345678\r\n 912345\r\n 6\r\n\r\n.\r\n" },
};

START_TEST(test_cuts)
{
	struct rewriting_setup setup = limits;

	setup.line_limit = 20;
	check(&setup, cut[_i]);
}
END_TEST

/* What is in quoted-printable gets soft line breaks, of which a reader sees nothing. */
START_TEST(test_soft_breaks)
{
	struct rewriting_setup setup = limits;

	setup.line_limit = 45;
	check(&setup, (struct row){ V QP "\r\n" TEN TEN TEN TEN "=C3=BC" TEN "\r\n.\r\n",
		V QP "\r\n" TEN TEN TEN TEN "=C3=\r\n=BC" TEN "\r\n.\r\n" });
}
END_TEST

/* Where lines are shortest nearly all is breaks, and nothing is lost even if every byte becomes an escape. */
START_TEST(test_shortest_lines)
{
	struct rewriting_setup setup = limits;
	struct buf in, out, wanted;
	struct rewriting *r;

	setup.seven_bit = true;
	setup.line_limit = 8;
	buf_init(&in, 100000);
	buf_init(&out, 100000);
	buf_init(&wanted, 100000);
	buf_str(&in, "\r\n");
	for (size_t n = 0; n < 10000; n++)
		buf_str(&in, "x\r\n");
	for (size_t n = 0; n < 5000; n++) {
		buf_str(&in, "\xff");
		buf_str(&wanted, n % 2 ? "=FF=\r\n" : "=FF");
	}
	wanted.len -= strlen("=\r\n");
	wanted.data[wanted.len] = '\0';
	buf_str(&wanted, "\r\n.\r\n");
	buf_str(&in, "\r\n.\r\n");
	r = rewriting_new(&setup);
	ck_assert(rewriting_add(r, text_make(in.data, in.len), &out));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), buf_text(&wanted)));
	rewriting_free(r);
	buf_free(&in);
	buf_free(&out);
	buf_free(&wanted);
}
END_TEST

/* --- rules --- */

static const char *change_field(void *arg, enum rewriting_header header, struct text field, struct buf *out)
{
	static const char *const headers[] = { "primary", "part", "nested" };

	(void)arg;
	if (text_starts_nocase(field, "drop"))
		return NULL;
	if (text_starts_nocase(field, "fail"))
		return "no answer";
	if (text_starts_nocase(field, "where"))
		buf_fmt(out, "Where: %s\r\nAnd: " UE "\r\n", headers[header]);
	else
		buf_add(out, field.p, field.n);
	return NULL;
}

static const char *change_line(void *arg, struct text line, struct buf *out)
{
	(void)arg;
	if (text_starts_nocase(line, "drop"))
		return NULL;
	if (text_starts_nocase(line, "fail"))
		return "no answer";
	buf_char(out, '<');
	buf_add(out, line.p, line.n);
	return NULL;
}

static const struct row ruled[] = {
	{ "A: b\r\nDrop: x\r\n y\r\nWhere: z\r\n\r\n.\r\n", "A: b\r\nWhere: primary\r\nAnd: " UE "\r\n<\r\n"
	  ".\r\n" },
	{ MULTI "\r\n--b\r\nWhere: z\r\nContent-Type: message/rfc822\r\n\r\nWhere: z\r\n\r\ndrop\r\n"
	  "--b--\r\n.\r\n",
	  MULTI "<\r\n<--b\r\nWhere: part\r\nAnd: " UE "\r\nContent-Type: message/rfc822\r\n<\r\n"
	  "Where: nested\r\nAnd: " UE "\r\n<\r\n<--b--\r\n.\r\n" },
	/* a header without end gets one */
	{ "A: b\r\nx\r\n.\r\n", "A: b\r\n<\r\n<x\r\n.\r\n" },
	{ "From x\r\nA: b\r\n\r\n.\r\n", "From x\r\nA: b\r\n<\r\n.\r\n" },
	/* dots are stuffed behind the rules; long lines come in pieces */
	{ "\r\n..a\r\n.\r\n", "<\r\n<.a\r\n.\r\n" },
	{ "\r\n" TEN TEN "x\r\n" TEN "\r\n.\r\n", "<\r\n<" TEN "<" TEN "<x\r\n<" TEN "\r\n.\r\n" },
	{ "Fail: x\r\n\r\n.\r\n", "no answer" },
	{ "\r\na\r\nfail\r\n.\r\n", "no answer" },
};

static const struct rewriting_rules rules = { change_field, change_line, NULL };

START_TEST(test_rules)
{
	struct rewriting_setup setup = limits;

	setup.rules = &rules;
	check(&setup, ruled[_i]);
}
END_TEST

/* What the rules made of a message that is being converted goes out in ASCII too; a coding is a field like
 * others. */
START_TEST(test_rules_and_conversion)
{
	struct rewriting_setup setup = limits;

	setup.rules = &rules;
	setup.seven_bit = true;
	check(&setup, (struct row){ V "Where: x\r\n" E8 "\r\n" UE "\r\n.\r\n",
		V "Where: primary\r\nAnd: =?utf-8?q?=C3=BC?=\r\n" QP "<\r\n<=C3=BC\r\n.\r\n" });
}
END_TEST

/* A field that is longer than the limit: what follows shares its fate, and that is known of one that was
 * changed. */
START_TEST(test_long_field)
{
	struct rewriting_setup setup = limits;

	setup.rules = &rules;
	setup.header_limit = 20;
	check(&setup, (struct row){ "Drop: " TEN "\r\n " TEN "\r\n " TEN "\r\nA: " TEN "\r\n " TEN "\r\n"
	  " " TEN "\r\n\r\n.\r\n",
		"A: " TEN "\r\n " TEN "\r\n " TEN "\r\n<\r\n.\r\n" });
}
END_TEST

static const struct {
	const char *in;
	unsigned seen;
} remarked[] = {
	{ "A: " TEN "\r\n " TEN "\r\n\r\n.\r\n", 0 },
	{ "A: " TEN "\r\n " TEN "\r\n " TEN "\r\n\r\n.\r\n", 0 },
	{ "Drop: " TEN "\r\n " TEN "\r\n " TEN "\r\n\r\n.\r\n", 0 },
	{ "Where: " TEN "\r\n " TEN "\r\n\r\n.\r\n", 0 },
	{ "Where: " TEN "\r\n " TEN "\r\n " TEN "\r\n\r\n.\r\n", REWRITING_LOST_END },
	{ "A: " TEN " " TEN TEN TEN "\r\n\r\n.\r\n", REWRITING_CUT },
	{ "\r\n" TEN TEN TEN TEN TEN "\r\n.\r\n", REWRITING_CUT },
};

START_TEST(test_seen)
{
	struct rewriting_setup setup = limits;
	struct rewriting *r;
	struct buf out;

	setup.rules = &rules;
	setup.header_limit = 20;
	setup.line_limit = 40;
	buf_init(&out, 1000);
	r = rewriting_new(&setup);
	ck_assert(rewriting_add(r, text_of(remarked[_i].in), &out));
	ck_assert_uint_eq(rewriting_seen(r), remarked[_i].seen);
	rewriting_free(r);
	buf_free(&out);
}
END_TEST

/* What the limits let through whole the rules may leave as it is, however large that is. */
START_TEST(test_large_field)
{
	enum { LARGE = 3 * 1024 * 1024 };
	struct rewriting_setup setup = limits;
	struct rewriting *r;
	struct buf in, out;

	setup.rules = &rules;
	setup.line_limit = 0;
	setup.header_limit = LARGE;
	buf_init(&in, 2 * LARGE);
	buf_init(&out, 2 * LARGE);
	buf_str(&in, "A:");
	while (in.len < LARGE - 100)
		buf_str(&in, " " TEN "\r\n");
	buf_str(&in, "B: c\r\n\r\n.\r\n");
	r = rewriting_new(&setup);
	ck_assert(rewriting_add(r, text_make(in.data, in.len), &out));
	ck_assert_uint_eq(out.len, in.len + 1);
	rewriting_free(r);
	buf_free(&in);
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "converts", test_converts, UNIT_ROWS(converted), 0 },
		{ "downgrades", test_downgrades, UNIT_ROWS(downgraded), 0 },
		{ "cuts", test_cuts, UNIT_ROWS(cut), 0 },
		{ "soft breaks", test_soft_breaks, 1, 0 },
		{ "shortest lines", test_shortest_lines, 1, 0 },
		{ "rules", test_rules, UNIT_ROWS(ruled), 0 },
		{ "rules and conversion", test_rules_and_conversion, 1, 0 },
		{ "long field", test_long_field, 1, 0 },
		{ "large field", test_large_field, 1, 0 },
		{ "seen", test_seen, UNIT_ROWS(remarked), 0 },
	};

	return unit_main("format/rewriting", cases, UNIT_ROWS(cases));
}
