/* Pickup mail: what its fields mean, what comes out, what is refused, wherever the file is cut. */
#include <string.h>

#include "base/mem.h"
#include "format/drop/drop_file.h"
#include "unit.h"

enum { RCPTS = 3, SIZE = 100 };

/* Reads a file in slices of n bytes; the queue files of its messages, or "error: …". */
static char *read_file(enum drop_file_form form, struct text file, size_t n)
{
	struct drop_file *d = drop_file_new(form, RCPTS, SIZE);
	enum bsmtp_event event = BSMTP_MORE;
	struct text slice = text_make(file.p, 0), piece;
	struct buf out;

	buf_init(&out, 1 << 24);
	for (;;) {
		bool over = slice.n == 0 && event == BSMTP_MORE && file.n == 0;

		if (slice.n == 0 && event == BSMTP_MORE && !over) {
			slice = text_make(file.p, file.n < n ? file.n : n);
			file = text_make(file.p + slice.n, file.n - slice.n);
		}
		event = over || (file.n == 0 && slice.n == 0 && event != BSMTP_MORE) ? drop_file_finish(d, &piece)
			: drop_file_next(d, &slice, &piece);
		if (event == BSMTP_BEGIN) {
			struct envelope *e = drop_file_take_envelope(d);

			envelope_print(e, &out);
			envelope_free(e);
		} else if (event == BSMTP_CONTENT) {
			buf_add(&out, piece.p, piece.n);
		} else if (event == BSMTP_ERROR || (event == BSMTP_MORE && over)) {
			break;
		}
	}
	if (event == BSMTP_ERROR) {
		buf_clear(&out);
		buf_fmt(&out, "error: %s", drop_file_error(d));
	}
	drop_file_free(d);
	return buf_take(&out);
}

static const struct { const char *file, *expected; } good[] = {
	/* .NET and IIS */
	{ "X-Sender: a@x.test\r\nX-Receiver: b@y.test\r\nSubject: s\r\n\r\nbody\r\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nSubject: s\r\n\r\nbody\r\n.\r\n" },
	{ "X-Sender: \"A, B\" <a@x.test>\r\nX-Receiver: =?utf-8?q?=C3=A9?= <b@y.test>\r\nX-Receiver: C "
		"<c@y.test>\r\n\r\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\nDATA\r\n\r\n.\r\n" },
	{ "X-Sender: \"<a\\\"<\" <a@x.test>\r\nX-Receiver: \xc3\xa9 <b@y.test>\r\n\r\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\n.\r\n" },
	/* LF, mixed line ends, case, blanks, bare addresses (PowerMTA) */
	{ "x-sender:a@x.test\nx-receiver:   b@y.test  \nA: b\n\nx\ry\n.\n..\r\n.z",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nA: b\r\n\r\nx y\r\n..\r\n...\r\n..z\r\n.\r\n" },
	{ "x-sender: a@x.test\nx-envid: e1\nx-job: 7\nx-receiver: b@y.test\n\n",
	  "MAIL FROM:<a@x.test> ENVID=e1\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\n.\r\n" },
	{ "x-sender: a@x.test\nx-sender-override: o@x.test\nx-receiver: b@y.test\n\n",
	  "MAIL FROM:<o@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\n.\r\n" },
	{ "x-sender-override: o@x.test\nx-sender: a@x.test\nx-receiver: b@y.test\n\n",
	  "MAIL FROM:<o@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\n.\r\n" },
	/* null sender */
	{ "X-Sender: <>\nX-Receiver: b@y.test\n\n", "MAIL FROM:<>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\n.\r\n" },
	{ "X-Sender:\nX-Receiver: b@y.test\n\n", "MAIL FROM:<>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\n.\r\n" },
	/* Exchange: parameters, folding, properties */
	{ "X-CreatedBy: MSExchange15\r\nX-Sender: <a@x.test> BODY=8BITMIME RET=HDRS ENVID=q SIZE=99 NEW=1\r\n"
	  "X-Receiver: <b@y.test>\r\n ORCPT=rfc822;b@y.test NOTIFY=NEVER;\r\n\tX-ExtendedProps=BQAV\r\n"
	  "X-HeloDomain: h\r\nX-ExtendedMessageProps: abc\r\n def\r\nX-EndOfInjectedXHeaders: 12\r\n"
	  "X-Sender: kept@x.test\r\n\r\nbody\r\n",
	  "MAIL FROM:<a@x.test> BODY=8BITMIME RET=HDRS ENVID=q\r\n"
	  "RCPT TO:<b@y.test> NOTIFY=NEVER ORCPT=rfc822;b@y.test\r\nDATA\r\n"
	  "X-Sender: kept@x.test\r\n\r\nbody\r\n.\r\n" },
	/* credentials go no further */
	{ "X-Sender: a@x.test\nX-AuthLogin: u\nX-AuthPassword: p\nX-Receiver: b@y.test\nX-Stop:\nX-Job: 1\n\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nX-Job: 1\r\n\r\n.\r\n" },
	/* only at the top */
	{ "X-Sender: a@x.test\nX-Receiver: b@y.test\nTo: z\nX-Receiver: c@y.test\n\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nTo: z\r\nX-Receiver: c@y.test\r\n\r\n.\r\n" },
	/* the same recipient twice */
	{ "X-Sender: a@x.test\nX-Receiver: b@y.test\nX-Receiver: <b@y.test>\nX-Receiver: c@y.test\n\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nRCPT TO:<c@y.test>\r\nDATA\r\n\r\n.\r\n" },
	/* byte order mark, quoted local part, UTF-8 */
	{ "\xef\xbb\xbfX-Sender: a@x.test\nX-Receiver: \"b c\"@y.test\n\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<\"b c\"@y.test>\r\nDATA\r\n\r\n.\r\n" },
	{ "X-Sender: a@x.test\nX-Receiver: \xc3\xa9@y.test\n\n",
	  "MAIL FROM:<a@x.test> SMTPUTF8\r\nRCPT TO:<\xc3\xa9@y.test>\r\nDATA\r\n\r\n.\r\n" },
	/* BSMTP is told by its first line */
	{ "MAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nDATA\nX-Sender: c\n\n.\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\nX-Sender: c\r\n\r\n.\r\n" },
	{ "EHLO x\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\n.\r\nQUIT\r\n",
	  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\n.\r\n" },
};

START_TEST(test_reads)
{
	for (size_t n = 1; n <= 70; n += n < 8 ? 1 : 31) {
		char *out = read_file(DROP_FILE_AUTO, text_of(good[_i].file), n);

		ck_assert_str_eq(out, good[_i].expected);
		free(out);
	}
}
END_TEST

static const struct { const char *file, *complaint; } bad[] = {
	{ "", "the file is empty" },
	{ "X", "not a command" },
	{ "From: a\nX-Sender: a@x.test\n\n", "not a command" },
	{ "X-Sender: a@x.test", "ends inside the header" },
	{ "X-Sender: a@x.test\nX-Receiver: b@y.test\n", "ends inside the header" },
	{ "X-Sender: a@x.test\nX-Receiver: b@y.test\nSubject: s", "no empty line" },
	{ "X-Sender: a@x.test\nX-Receiver: b@y.test\nSubject: s\nbody\n", "no empty line" },
	{ "X-Sender: a@x.test\n\nbody\n", "line 2: there is no X-Receiver" },
	{ "X-Receiver: b@y.test\n\nbody\n", "line 2: there is no X-Sender" },
	{ "X-Job: 1\n\nbody\n", "there is no X-Sender" },
	{ "X-Sender: a@x.test\nX-Sender: b@x.test\n\n", "line 2: X-Sender: is there twice" },
	{ "X-Sender-Override: a@x.test\nX-Sender-Override: b@x.test\n\n", "is there twice" },
	{ "X-Sender: a@x.test\nX-Receiver:\n\n", "line 2: X-Receiver: the address is empty" },
	{ "X-Sender: a@x.test\nX-Receiver: <>\n\n", "the address is empty" },
	{ "X-Sender: a@x.test\nX-Receiver: b@y.test, c@y.test\n\n", "X-Receiver: " },
	{ "X-Sender: a@x.test\nX-Receiver: <b@y.test\n\n", "X-Receiver: " },
	{ "X-Sender: a@@x.test\n\n", "X-Sender: " },
	{ "X-Sender: A B\n\n", "X-Sender: there is something behind the address" },
	{ "X-Sender: <a@x.test> b\n\n", "X-Sender: there is something behind" },
	{ "X-Sender: a@x.test\nX-Receiver: b@y..test\n\n", "X-Receiver: " },
	{ "X-Sender: a@x.test\nX-Receiver: b@y.test\x01\n\n", "control character" },
	{ "X-Sender: a@x.test\nX-Receiver: b\r@y.test\n\n", "control character" },
	{ "X-Sender: a@x.test\nX-Receiver: b@y.test\x7f\n\n", "control character" },
	{ "X-Sender: a@x.test\nX-Job: \x1b[2J\n\n", "control character" },
	{ "X-Sender: <a@x.test> RET=SOME\nX-Receiver: b@y.test\n\n", "X-Sender: RET" },
	{ "X-Sender: <a@x.test>\nX-Receiver: <b@y.test> NOTIFY=NEVER,DELAY\n\n", "X-Receiver: " },
	{ "X-Sender: a@x.test\nX-Envid: a b\nX-Receiver: b@y.test\n\n", "X-Envid: " },
	{ "X-Sender: s@x\nX-Receiver: a@x\nX-Receiver: b@x\nX-Receiver: c@x\nX-Receiver: d@x\n\n",
		"line 5: X-Receiver: " },
	{ "X-Sender: s@x\nX-Receiver: a@x\nA: "
		"b\n\n0123456789012345678901234567890123456789012345678901234567890123456789"
	  "01234567890123456789012345678901234567890\n", "larger than 100 bytes" },
};

START_TEST(test_refuses)
{
	for (size_t n = 1; n <= 70; n += n < 8 ? 1 : 31) {
		char *out = read_file(DROP_FILE_AUTO, text_of(bad[_i].file), n);

		ck_assert_msg(strncmp(out, "error: ", 7) == 0 && strstr(out, bad[_i].complaint), "%s", out);
		free(out);
	}
}
END_TEST

START_TEST(test_form_is_as_told)
{
	char *out = read_file(DROP_FILE_BSMTP, text_of(good[0].file), 10);

	ck_assert_ptr_nonnull(strstr(out, "not a command"));
	free(out);
	out = read_file(DROP_FILE_PICKUP, text_of("MAIL FROM:<a@x.test>\nRCPT TO:<b@y.test>\nDATA\n\n.\n"), 10);
	ck_assert_ptr_nonnull(strstr(out, "there is no X-Sender"));
	free(out);
}
END_TEST

/* Fields of tens of kilobytes are taken, longer ones refused. */
static const struct { size_t n; bool good; } lengths[] = {
	{ 60 * 1024, true }, { 240 * 1024, true }, { 300 * 1024, false }, { 1024 * 1024, false },
};

START_TEST(test_long_fields)
{
	struct buf file;
	char *out;

	buf_init(&file, 1 << 24);
	buf_str(&file, "X-Sender: a@x.test\r\nX-Receiver: b@y.test; X-ExtendedProps=");
	for (size_t i = 0; i < lengths[_i].n; i++)
		buf_str(&file, i % 70 == 69 ? "\r\n " : "x");
	buf_str(&file, "\r\n\r\nbody\r\n");
	out = read_file(DROP_FILE_AUTO, text_make(file.data, file.len), 65536);
	if (lengths[_i].good)
		ck_assert_str_eq(out, "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n\r\nbody\r\n.\r\n");
	else
		ck_assert_ptr_nonnull(strstr(out, "longer than 256 KiB"));
	free(out);
	buf_free(&file);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads", test_reads, UNIT_ROWS(good), 0 },
		{ "refuses", test_refuses, UNIT_ROWS(bad), 0 },
		{ "form is as told", test_form_is_as_told, 1, 0 },
		{ "long fields", test_long_fields, UNIT_ROWS(lengths), 0 },
	};

	return unit_main("format/pickup", cases, UNIT_ROWS(cases));
}
