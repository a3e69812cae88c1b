/* The lines on drop/socket. */
#include <string.h>

#include "format/drop/wait_line.h"
#include "unit.h"

static const char *const good[] = {
	"wait 0123abc\n", "enough\n", "take\n", "ready\n", "no too many\n", "offer\n", "over\n",
	"result 0 sent 2.0.0 250 2.0.0 Saved\n", "result 4294967295 bounced 5.1.1 \n",
	"rest 4.4.7 time is over\n", "refused line 1: no\n", "queued gone\n",
};

START_TEST(test_comes_back)
{
	struct text rest = text_of(good[_i]);
	struct wait_line line;
	struct buf out;

	ck_assert(wait_line_read(&rest, &line));
	ck_assert_uint_eq(rest.n, 0);
	buf_init(&out, WAIT_LINE_MAX);
	wait_line_print(&line, &out);
	ck_assert_str_eq(buf_text(&out), good[_i]);
	buf_free(&out);
}
END_TEST

static const char *const bad[] = {
	"", "\n", " \n", "take", "take now\n", "enough 1\n", "ready x\n", "offer x\n", "over x\n", "Take\n",
	"takeit\n",
	"result\n", "result 0\n", "result 0 sent\n", "result x sent 2.0.0 y\n", "result 0x sent 2.0.0 y\n",
	"result 4294967296 sent 2.0.0 y\n", "result -1 sent 2.0.0 y\n", "rest\n", "wait a\tb\n", "wait a\x01\n",
	"wait a\r\n", "result 0 sent 2.0.0 a\x7f\n",
};

START_TEST(test_refuses)
{
	struct text rest = text_of(bad[_i]);
	struct wait_line line;

	ck_assert(!wait_line_read(&rest, &line));
}
END_TEST

START_TEST(test_several_in_a_packet)
{
	struct text rest = text_of("ready\nresult 1 sent 2.0.0 x\nover\n");
	struct wait_line line;

	ck_assert(wait_line_read(&rest, &line) && line.word == WAIT_READY);
	ck_assert(wait_line_read(&rest, &line) && line.word == WAIT_RESULT && line.rcpt == 1);
	ck_assert(text_is(line.status, "sent") && text_is(line.dsn, "2.0.0") && text_is(line.text, "x"));
	ck_assert(wait_line_read(&rest, &line) && line.word == WAIT_OVER);
	ck_assert(!wait_line_read(&rest, &line));
}
END_TEST

/* What a peer or a file says cannot make a second line of it, nor one that is longer than a reader takes. */
START_TEST(test_text_from_outside)
{
	char text[2 * WAIT_LINE_MAX];
	struct text rest;
	struct wait_line line;
	struct buf out;

	memset(text, 'x', sizeof text);
	memcpy(text, "a\nover\n\r\t\x1b", 10);
	buf_init(&out, 2 * WAIT_LINE_MAX);
	wait_line_print(&(struct wait_line){ .word = WAIT_RESULT, .status = text_of("sent"),
		.dsn = text_of("2.0.0"),
		.text = text_make(text, sizeof text) }, &out);
	ck_assert_uint_le(out.len, WAIT_LINE_MAX);
	rest = text_make(out.data, out.len);
	ck_assert(wait_line_read(&rest, &line) && rest.n == 0);
	ck_assert(text_starts_nocase(line.text, "a?over?"));
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "comes back", test_comes_back, UNIT_ROWS(good), 0 },
		{ "refuses", test_refuses, UNIT_ROWS(bad), 0 },
		{ "several in a packet", test_several_in_a_packet, 1, 0 },
		{ "text from outside", test_text_from_outside, 1, 0 },
	};

	return unit_main("format/wait_line", cases, UNIT_ROWS(cases));
}
