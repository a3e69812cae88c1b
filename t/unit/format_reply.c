#include "unit.h"

#include <string.h>

#include "format/smtp/reply.h"

/* Bytes of a peer and the replies in them: "code dsn flags text;", flags g (garbage), d (own enhanced
 * code), LF in the text as '/'. */
static const struct { const char *in, *out; bool inside; } rows[] = {
	{ "250 2.1.0 Ok\r\n", "250 2.1.0 d [250 2.1.0 Ok];", false },
	{ "250\r\n", "250 2.0.0  [250];", false }, { "250 \r\n", "250 2.0.0  [250 ];", false },
	{ "250 Ok\n", "250 2.0.0  [250 Ok];", false },
	{ "250-a\r\n250-b\r\n250 c\r\n", "250 2.0.0  [250-a/250-b/250 c];", false },
	{ "550-5.1.1 no\r\n550 5.7.1 such\r\n", "550 5.7.1 d [550-5.1.1 no/550 5.7.1 such];", false },
	{ "550-5.1.1 no\r\n550 such\r\n", "550 5.0.0  [550-5.1.1 no/550 such];", false },
	{ "451   4.3.0\r\n", "451 4.3.0 d [451   4.3.0];", false },
	{ "250 a\r\n550 b\r\n", "250 2.0.0  [250 a];550 5.0.0  [550 b];", false },
	{ "250-a\r\n550 5.0.0 b\r\n", "550 5.0.0 d [250-a/550 5.0.0 b];", false },
	{ "354 go\r\n", "354 5.5.0  [354 go];", false }, { "000 x\r\n", "0 5.5.0  [000 x];", false },
	{ "999 x\r\n", "999 5.5.0  [999 x];", false },
	{ "250 2.1.5\t\x7f\r\n", "250 2.1.5 d [250 2.1.5??];", false },
	{ "220 a\r\r\r\n", "220 2.0.0  [220 a];", false },
	/* enhanced codes that do not count */
	{ "250 5.1.1 x\r\n", "250 2.0.0  [250 5.1.1 x];", false },
	{ "550 2.1.1 x\r\n", "550 5.0.0  [550 2.1.1 x];", false },
	{ "550 5.1 x\r\n", "550 5.0.0  [550 5.1 x];", false },
	{ "550 5.1.1x\r\n", "550 5.0.0  [550 5.1.1x];", false },
	{ "550 5.1.1111\r\n", "550 5.0.0  [550 5.1.1111];", false },
	{ "550 5..1\r\n", "550 5.0.0  [550 5..1];", false },
	{ "550 5.1.\r\n", "550 5.0.0  [550 5.1.];", false },
	{ "550 55.1.1\r\n", "550 5.0.0  [550 55.1.1];", false },
	{ "550 5.1.1.1\r\n", "550 5.0.0  [550 5.1.1.1];", false },
	{ "354 3.0.0 x\r\n", "354 5.5.0  [354 3.0.0 x];", false },
	{ "550\t5.1.1\r\n550 5.1.1\r\n", "550 5.1.1 gd [550?5.1.1/550 5.1.1];", false },
	{ "550 5.123.999 x\r\n", "550 5.123.999 d [550 5.123.999 x];", false },
	/* garbage ahead of a good line */
	{ "hello\r\n250 Ok\r\n", "250 2.0.0 g [hello/250 Ok];", false },
	{ "25 x\r\n250 Ok\r\n", "250 2.0.0 g [25 x/250 Ok];", false },
	{ "2500 x\r\n250 Ok\r\n", "250 2.0.0 g [2500 x/250 Ok];", false },
	{ "250Ok\r\n250 Ok\r\n", "250 2.0.0 g [250Ok/250 Ok];", false },
	{ "\r\n250 Ok\r\n", "250 2.0.0 g [250 Ok];", false },
	{ " 250 x\r\n250 Ok\r\n", "250 2.0.0 g [ 250 x/250 Ok];", false },
	{ "-50 x\r\n250 Ok\r\n", "250 2.0.0 g [-50 x/250 Ok];", false },
	{ "hello\r\n250 a\r\n250 b\r\n", "250 2.0.0 g [hello/250 a];250 2.0.0  [250 b];", false },
	/* what may not be shown as it is */
	{ "250 a\x1b[2J\x01\rb\r\n", "250 2.0.0  [250 a?[2J??b];", false },
	{ "250 gr\xc3\xbcn \xff \xc2\x9b \xe2\x80\xae\r\n", "250 2.0.0  [250 gr\xc3\xbcn ? ? ?];", false },
	/* not finished */
	{ "", "", false }, { "250 Ok\r", "", true }, { "250-Ok\r\n", "", true }, { "2", "", true },
	{ "garbage\r\n", "", true }, { "250 Ok\r\n2", "250 2.0.0  [250 Ok];", true },
};

static void print(const struct reply *r, struct buf *out)
{
	buf_fmt(out, "%d %s %s%s [%s];", r->code, r->dsn, r->garbage ? "g" : "", r->has_dsn ? "d" : "",
		r->text);
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] == '\n')
			out->data[i] = '/';
}

static void read_all(struct reply_reader *reader, const char *in, size_t size, size_t n, struct buf *out)
{
	for (size_t at = 0; at < size; at += n) {
		size_t left = size - at < n ? size - at : n;
		char *block = malloc(left);
		const char *p = block;
		struct reply r;

		memcpy(block, in + at, left);
		while (reply_reader_next(reader, &p, &left, &r) == REPLY_READY)
			print(&r, out);
		ck_assert_uint_eq(left, 0);
		free(block);
	}
}

START_TEST(test_read)
{
	for (size_t n = 1; n < 100; n = n < 5 ? n + 1 : n * 4) {
		struct reply_reader *reader = reply_reader_new();
		struct buf out;

		buf_init(&out, 10000);
		read_all(reader, rows[_i].in, strlen(rows[_i].in), n, &out);
		ck_assert_str_eq(buf_text(&out), rows[_i].out);
		ck_assert(reply_reader_inside(reader) == rows[_i].inside);
		buf_free(&out);
		reply_reader_free(reader);
	}
}
END_TEST

START_TEST(test_nul)
{
	static const char in[] = "250 a\0b\r\n\0hello\r\n250\0 x\r\n550 5.1.1\0 y\r\n";
	struct reply_reader *reader = reply_reader_new();
	struct buf out;

	buf_init(&out, 1000);
	read_all(reader, in, sizeof in - 1, 3, &out);
	ck_assert_str_eq(buf_text(&out),
		"250 2.0.0  [250 a?b];250 2.0.0 g [?hello/250? x];550 5.1.1 d [550 5.1.1? y];");
	buf_free(&out);
	reply_reader_free(reader);
}
END_TEST

/* A line far too long: its beginning is kept, its end is not taken for another line. */
START_TEST(test_long_line)
{
	struct reply_reader *reader = reply_reader_new();
	struct buf in, out;

	buf_init(&in, 20000);
	buf_init(&out, 20000);
	buf_str(&in, "550 5.1.1 ");
	for (int i = 0; i < 10000; i++)
		buf_char(&in, 'x');
	buf_str(&in, "\r\n250 Ok\r\n");
	read_all(reader, in.data, in.len, 777, &out);
	ck_assert_int_eq(strncmp(out.data, "550 5.1.1 d [550 5.1.1 xxx", 26), 0);
	ck_assert_str_eq(out.data + out.len - strlen("x];250 2.0.0  [250 Ok];"), "x];250 2.0.0  [250 Ok];");
	ck_assert_uint_lt(out.len, REPLY_LINE_MAX + 100);
	buf_free(&in);
	buf_free(&out);
	reply_reader_free(reader);
}
END_TEST

/* Many lines: text is kept up to its ceiling, in whole lines, and the last line still decides. */
START_TEST(test_P_11_many_lines)
{
	struct reply_reader *reader = reply_reader_new();
	struct buf in;
	struct reply r = { 0 };
	const char *p;
	size_t n;

	buf_init(&in, 1000000);
	for (int i = 0; i < 5000; i++)
		buf_str(&in, "250-0123456789\r\n");
	buf_str(&in, "451 4.7.1 later\r\n");
	p = in.data;
	n = in.len;
	ck_assert_int_eq(reply_reader_next(reader, &p, &n, &r), REPLY_READY);
	ck_assert_int_eq(r.code, 451);
	ck_assert_str_eq(r.dsn, "4.7.1");
	ck_assert_uint_le(strlen(r.text), REPLY_TEXT_MAX);
	ck_assert_str_eq(r.text + strlen(r.text) - 15, "\n250-0123456789");
	buf_free(&in);
	reply_reader_free(reader);
}
END_TEST

static const char *const endless[] = { "250-x\r\n", "garbage\r\n", "x", "\n" };

START_TEST(test_endless)
{
	struct reply_reader *reader = reply_reader_new();
	enum reply_result result = REPLY_MORE;
	size_t fed = 0, size = strlen(endless[_i]);
	struct reply r;

	for (; result == REPLY_MORE; fed += size) {
		const char *p = endless[_i];
		size_t n = size;

		ck_assert_uint_le(fed, REPLY_BYTES_MAX);
		result = reply_reader_next(reader, &p, &n, &r);
	}
	ck_assert_int_eq(result, REPLY_ENDLESS);
	ck_assert_uint_gt(fed, REPLY_BYTES_MAX);
	reply_reader_free(reader);
}
END_TEST

START_TEST(test_one_line)
{
	struct reply r = { .code = 550, .text = "550-a\n550 b" };
	struct buf b;

	buf_init(&b, 100);
	reply_one_line(&r, &b);
	ck_assert_str_eq(buf_text(&b), "550-a 550 b");
	ck_assert_int_eq(reply_class(&r), 5);
	buf_free(&b);
}
END_TEST

/* A few lines are replaced, and one cannot be looked up; arg counts the questions. */
static const char *replace(void *arg, const char *line, const char **why)
{
	static const char *const values[][2] = {
		{ "250 2.0.0 queued", "451 4.3.0 test" }, { "250 more", "250-more" }, { "garbage", "550 5.1.1 no" },
		{ "250 a?b", "250 2.1.5 seen" }, { "220 x", "" },
	};

	++*(int *)arg;
	if (strcmp(line, "250 fail") == 0)
		*why = "out of order";
	for (size_t i = 0; i < UNIT_ROWS(values); i++)
		if (strcmp(values[i][0], line) == 0)
			return values[i][1];
	return NULL;
}

static const struct {
	const char *in;
	enum reply_result result;
	int code, asked;
	const char *dsn, *text;
} filtered[] = {
	{ "250 2.0.0 queued\r\n", REPLY_READY, 451, 1, "4.3.0", "451 4.3.0 test" },
	{ "250 ok\r\n", REPLY_READY, 250, 1, "2.0.0", "250 ok" },
	{ "250-a\r\n250 2.0.0 queued\r\n", REPLY_READY, 451, 2, "4.3.0", "250-a\n451 4.3.0 test" },
	{ "250 more\r\n250 ok\r\n", REPLY_READY, 250, 2, "2.0.0", "250-more\n250 ok" },
	{ "250 more\r\n", REPLY_MORE, 0, 1, "", "" },
	{ "garbage\r\n", REPLY_READY, 550, 1, "5.1.1", "550 5.1.1 no" },
	{ "250 a\tb\r\n", REPLY_READY, 250, 1, "2.1.5", "250 2.1.5 seen" },
	{ "220 x\r\n220 y\r\n", REPLY_READY, 220, 2, "2.0.0", "220 y" },
	{ "250 fail\r\n", REPLY_UNFILTERED, 0, 1, "", "out of order" },
	{ "250-x\r\n250 fail\r\n250 ok\r\n", REPLY_UNFILTERED, 0, 2, "", "out of order" },
};

START_TEST(test_P_21_filter)
{
	struct reply_reader *reader = reply_reader_new();
	int asked = 0;
	const char *p = filtered[_i].in;
	size_t n = strlen(p);
	struct reply r = { .text = "" };

	reply_reader_filter(reader, &(struct reply_filter){ replace, &asked });
	ck_assert_int_eq(reply_reader_next(reader, &p, &n, &r), filtered[_i].result);
	ck_assert_int_eq(asked, filtered[_i].asked);
	ck_assert_int_eq(r.code, filtered[_i].code);
	ck_assert_str_eq(r.dsn, filtered[_i].dsn);
	ck_assert_str_eq(r.text, filtered[_i].text);
	reply_reader_free(reader);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads, however it is cut", test_read, UNIT_ROWS(rows), 0 },
		{ "shows NUL", test_nul, 1, 0 },
		{ "bounds lines", test_long_line, 1, 0 },
		{ "bounds text", test_P_11_many_lines, 1, 0 },
		{ "bounds replies", test_endless, UNIT_ROWS(endless), 0 },
		{ "makes one line", test_one_line, 1, 0 },
		{ "filters lines", test_P_21_filter, UNIT_ROWS(filtered), 0 },
	};

	return unit_main("format/reply", cases, UNIT_ROWS(cases));
}
