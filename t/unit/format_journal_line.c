#include <inttypes.h>
#include <string.h>

#include "format/journal/crc32c.h"
#include "format/journal/journal_line.h"
#include "format/journal/queue_id.h"

#include "unit.h"

#define ID "0123456789"

static uint64_t id_of(const char *s)
{
	uint64_t id = 0;

	ck_assert(queue_id_parse(s, strlen(s), &id));
	return id;
}

static struct text t(const char *s)
{
	return text_of(s);
}

/* ---- checksum ---- */

static const struct { const char *bytes; size_t n; uint32_t crc; } checksums[] = {
	{ "", 0, 0x00000000 },
	{ "123456789", 9, 0xe3069283 },
	/* RFC 3720 B.4 */
	{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32, 0x8a9136aa },
	{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	  32, 0x62a8ab43 },
};

START_TEST(test_checksum)
{
	ck_assert_uint_eq(crc32c(checksums[_i].bytes, checksums[_i].n), checksums[_i].crc);
	ck_assert_uint_eq(crc32c_by_table(checksums[_i].bytes, checksums[_i].n), checksums[_i].crc);
}
END_TEST

/* ---- printing, and reading it back ---- */

static const struct { struct journal_line line; const char *text; } printed[] = {
	{ { .kind = JOURNAL_HIGH }, "high " ID },
	{ { .kind = JOURNAL_CLAIM, .dir = { "drop", 4 }, .name = { "a b\n%\xff", 6 } },
	"claim " ID " dir=drop name=a%20b%0a%25%ff uid=0 key=" },
	{ { .kind = JOURNAL_BATCH, .count = 3 }, "batch " ID " count=3" },
	{ { .kind = JOURNAL_IN, .time = 1700000000123, .uid = 1000, .size = UINT64_MAX, .count = 2, .hops = 5,
	.flags = 3, .name = { "drop", 4 } },
	  "in " ID " time=1700000000123 uid=1000 size=18446744073709551615 rcpts=2 hops=5 flags=3 "
	"origin=drop" },
	{ { .kind = JOURNAL_RESULT, .rcpt = 7, .status = 'd', .time = -5, .dsn = { "4.2.1", 5 },
	.peer = { "", 0 }, .text = { "no = way", 8 } },
	  "result " ID " rcpt=7 status=d when=-5 dsn=4.2.1 peer= text=no = way" },
	{ { .kind = JOURNAL_RESULT, .status = 's', .dsn = { "2.0.0", 5 }, .peer = { "h[/a b]", 7 },
	.text = { "", 0 } },
	  "result " ID " rcpt=0 status=s when=0 dsn=2.0.0 peer=h[/a%20b] text=" },
	{ { .kind = JOURNAL_NEXT, .time = INT64_MAX, .count = 9 },
	"next " ID " when=9223372036854775807 attempts=9" },
	{ { .kind = JOURNAL_HOLD, .count = 1 }, "hold " ID " held=1" },
	{ { .kind = JOURNAL_SUSPECT, .count = 2 }, "suspect " ID " count=2" },
	{ { .kind = JOURNAL_WARNED }, "warned " ID },
	{ { .kind = JOURNAL_REPORT }, "report " ID },
	{ { .kind = JOURNAL_DONE }, "done " ID },
	{ { .kind = JOURNAL_TIME, .time = 10, .boot = 4, .name = { "b-1", 3 } },
	"time when=10 boot=4 bootid=b-1" },
	{ { .kind = JOURNAL_SUSPEND, .count = 1, .name = { "lmtp:unix:/a b", 14 } },
	"suspend suspended=1 name=lmtp:unix:/a%20b" },
};

static struct text only_line(struct text bytes)
{
	struct text text, whole;

	ck_assert_int_eq(journal_line_next(&bytes, true, &text, &whole), JOURNAL_LINE);
	ck_assert_uint_eq(bytes.n, 0);
	return text;
}

START_TEST(test_prints)
{
	struct journal_line line = printed[_i].line, back;
	struct buf out;
	struct text text;

	buf_init(&out, 10000);
	line.id = line.kind == JOURNAL_TIME || line.kind == JOURNAL_SUSPEND ? 0 : id_of(ID);
	journal_line_print(&line, &out);
	ck_assert_int_eq(out.data[out.len - 1], '\n');
	text = only_line(text_make(out.data, out.len));
	ck_assert_uint_eq(text.n, strlen(printed[_i].text));
	ck_assert_mem_eq(text.p, printed[_i].text, text.n);

	ck_assert(journal_line_parse(text, &back));
	ck_assert_int_eq(back.kind, line.kind);
	ck_assert_uint_eq(back.id, line.id);
	ck_assert_int_eq(back.time, line.time);
	ck_assert_int_eq(back.boot, line.boot);
	ck_assert_uint_eq(back.size, line.size);
	ck_assert_uint_eq(back.count, line.count);
	ck_assert_uint_eq(back.rcpt, line.rcpt);
	ck_assert_int_eq(back.status, line.status);
	ck_assert_uint_eq(back.hops, line.hops);
	ck_assert_uint_eq(back.flags, line.flags);
	ck_assert_uint_eq(back.text.n, line.text.n);
	char *name = journal_line_decode(back.name);
	ck_assert_mem_eq(name, line.name.n ? line.name.p : "", line.name.n + 0);
	free(name);
	buf_free(&out);
}
END_TEST

/* ---- texts that another version or nobody wrote ---- */

static const struct { const char *text; bool good; enum journal_kind kind; bool id; } texts[] = {
	{ "done " ID, true, JOURNAL_DONE, true },
	{ "done " ID " why=later color=red", true, JOURNAL_DONE, true },     /* unknown fields */
	{ "next " ID " attempts=3 when=5", true, JOURNAL_NEXT, true },       /* any order */
	{ "next " ID, true, JOURNAL_NEXT, true },
	{ "result " ID " text\tx=1", true, JOURNAL_RESULT, true },           /* a name without a value */
	{ "frob " ID " x=1", true, JOURNAL_OTHER, true },
	{ "frob", true, JOURNAL_OTHER, false },
	{ "frob x", true, JOURNAL_OTHER, false },
	{ "", false, 0, false },
	{ "done", false, 0, false },
	{ "done 012345678", false, 0, false },
	{ "done !123456789", false, 0, false },
	{ "next " ID " when=x", false, 0, false },
	{ "next " ID " when=", false, 0, false },
	{ "next " ID " when=9223372036854775808", false, 0, false },
	{ "in " ID " uid=-1", false, 0, false },
	{ "in " ID " size=18446744073709551616", false, 0, false },
	{ "result " ID " status=dd", false, 0, false },
	{ "result " ID " status=", false, 0, false },
	{ "result " ID " rcpt=1x", false, 0, false },
};

START_TEST(test_parses)
{
	struct journal_line line;

	ck_assert_int_eq(journal_line_parse(t(texts[_i].text), &line), texts[_i].good);
	if (!texts[_i].good)
		return;
	ck_assert_int_eq(line.kind, texts[_i].kind);
	ck_assert_int_eq(line.id != 0, texts[_i].id);
}
END_TEST

/* ---- bytes ---- */

/* One letter a line: L good, D damaged, T torn, C torn earlier. "@" stands for a good line "done ID" without
 * its LF, CRC and all. */
static const struct { const char *bytes, *found; } streams[] = {
	{ "", "" },
	{ "@\n", "L" },
	{ "@", "L" },                       /* the write was cut off before its LF */
	{ "@\n@\n", "LL" },
	{ "@x@\n", "LL" },                  /* the LF was damaged */
	{ "\n", "D" },
	{ "\n@\n", "DL" },
	{ "garbage\n@\n", "DL" },
	{ "garbage", "T" },
	{ "@\ngarbage", "LT" },
	{ "@\ngarbage cut\n@\n", "LCL" },
	{ "@\n cut\n cut", "LCT" },
	{ "garbage cut cut\n", "C" },      /* and what followed it was cut off as well */
	{ "@\ngarbage cuts\ncut\n", "LDD" },
	{ "@ cut\n", "LD" },               /* what is a line needs no such end */
	{ "00000000 15 done 0123456789\n@\n", "DL" },
	{ "00000000 99999 done 0123456789\n@\n", "DL" },
	{ "0000000g 15 done 0123456789\n@\n", "DL" },
	{ "00000000x15 done 0123456789\n@\n", "DL" },
	{ "00000000 15xdone 0123456789\n@\n", "DL" },
	{ "00000000\n@\n", "DL" },
	{ "00000000 \n@\n", "DL" },
	{ "00000000 1\n@\n", "DL" },
	{ "00000000 0 \n@\n", "LL" },       /* the empty text has this CRC */
};

static void expand(const char *pattern, struct buf *out)
{
	struct journal_line line = { .kind = JOURNAL_DONE, .id = id_of(ID) };

	for (; *pattern; pattern++) {
		if (*pattern != '@') {
			buf_char(out, *pattern);
			continue;
		}
		journal_line_print(&line, out);
		out->len--;
	}
}

START_TEST(test_finds)
{
	struct buf bytes, found;
	struct text from, text;
	enum journal_found what;

	buf_init(&bytes, 1000);
	buf_init(&found, 100);
	expand(streams[_i].bytes, &bytes);
	from = text_make(bytes.data, bytes.len);
	while ((what = journal_line_next(&from, true, &text, NULL)) != JOURNAL_MORE)
		buf_char(&found, what == JOURNAL_LINE ? 'L' : what == JOURNAL_DAMAGED ? 'D'
			: what == JOURNAL_CUT ? 'C' : 'T');
	ck_assert_str_eq(buf_text(&found), streams[_i].found);
	buf_free(&bytes);
	buf_free(&found);
}
END_TEST

START_TEST(test_asks_for_more)
{
	struct buf bytes;
	struct text text, whole;

	buf_init(&bytes, 1000);
	expand("@\n", &bytes);
	for (size_t n = 0; n < bytes.len; n++) {
		struct text from = text_make(bytes.data, n);
		enum journal_found found = journal_line_next(&from, false, &text, &whole);

		/* the LF alone may be missing: the line is whole already, but its end is not */
		ck_assert_int_eq(found, JOURNAL_MORE);
		ck_assert_uint_eq(from.n, n);
	}
	buf_free(&bytes);
}
END_TEST

/* A line that never ends costs bounded memory. */
START_TEST(test_gives_up_on_endless_line)
{
	static char bytes[3 * JOURNAL_TEXT_MAX];
	struct text from = text_make(bytes, sizeof bytes), text;

	memset(bytes, 'x', sizeof bytes);
	ck_assert_int_eq(journal_line_next(&from, false, &text, NULL), JOURNAL_DAMAGED);
	ck_assert_uint_eq(from.n, 0);
}
END_TEST

START_TEST(test_cuts_text)
{
	static char long_text[20000];
	struct buf out;
	struct journal_line line = { .kind = JOURNAL_RESULT, .id = id_of(ID), .status = 'd',
		.text = { long_text, sizeof long_text },
		.peer = { long_text, sizeof long_text }, .dsn = { long_text, sizeof long_text } };

	memset(long_text, '\n', sizeof long_text);
	buf_init(&out, 100000);
	journal_line_print(&line, &out);
	ck_assert_uint_le(only_line(text_make(out.data, out.len)).n, JOURNAL_TEXT_MAX);
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "checksum", test_checksum, UNIT_ROWS(checksums), 0 },
		{ "prints", test_prints, UNIT_ROWS(printed), 0 },
		{ "parses", test_parses, UNIT_ROWS(texts), 0 },
		{ "finds", test_finds, UNIT_ROWS(streams), 0 },
		{ "asks for more", test_asks_for_more, 1, 0 },
		{ "gives up on an endless line", test_gives_up_on_endless_line, 1, 0 },
		{ "cuts text", test_cuts_text, 1, 0 },
	};

	return unit_main("format/journal_line", cases, UNIT_ROWS(cases));
}
