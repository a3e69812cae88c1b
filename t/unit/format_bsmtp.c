#include "unit.h"

#include <string.h>

#include "format/drop/bsmtp.h"

#define HEAD "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
#define LF_HEAD "MAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n"
#define BOM "\xef\xbb\xbf"

enum { RCPT_LIMIT = 3, SIZE_LIMIT = 60 };

struct outcome {
	struct buf out;          /* per transaction: the printed envelope, the content, "|" */
	char error[200];
	struct bsmtp_facts facts;
	char message_id[300];
	bool wire_form;
};

static enum bsmtp_event drain(struct bsmtp *b, struct text slice, struct buf *out)
{
	enum bsmtp_event event;
	struct text piece;

	while ((event = bsmtp_next(b, &slice, &piece)) != BSMTP_MORE && event != BSMTP_ERROR) {
		if (event == BSMTP_BEGIN) {
			struct envelope *e = bsmtp_take_envelope(b);

			envelope_print(e, out);
			envelope_free(e);
		} else if (event == BSMTP_CONTENT) {
			buf_add(out, piece.p, piece.n);
		} else {
			buf_char(out, '|');
		}
	}
	return event;
}

/* Reads a file cut into slices of n bytes, each in a block of exactly its size. */
static void read_file(const char *file, size_t size, size_t n, struct outcome *o)
{
	struct bsmtp *b = bsmtp_new(RCPT_LIMIT, SIZE_LIMIT);
	enum bsmtp_event event = BSMTP_MORE;

	buf_init(&o->out, 100000);
	for (size_t at = 0; at < size && event == BSMTP_MORE; at += n) {
		size_t part = size - at < n ? size - at : n;
		char *block = malloc(part);

		memcpy(block, file + at, part);
		event = drain(b, text_make(block, part), &o->out);
		free(block);
	}
	if (event == BSMTP_MORE)
		event = bsmtp_finish(b);
	ck_assert((event == BSMTP_ERROR) == (*bsmtp_error(b) != '\0'));
	snprintf(o->error, sizeof o->error, "%s", bsmtp_error(b));
	o->facts = *bsmtp_facts(b);
	snprintf(o->message_id, sizeof o->message_id, "%s", o->facts.message_id);
	o->wire_form = event != BSMTP_ERROR && bsmtp_is_wire_form(b);
	bsmtp_free(b);
}

static const struct { const char *file, *out; bool wire_form; } good[] = {
	{ HEAD ".\r\n", HEAD ".\r\n|", true },
	{ HEAD "S: x\r\n\r\n..\r\n.\r\n", HEAD "S: x\r\n\r\n..\r\n.\r\n|", true },
	{ "mail from:<a@b>\r\nrcpt to:<c@d>\r\ndata\r\n.\r\n", HEAD ".\r\n|", true },
	{ LF_HEAD "x\n.\n", HEAD "x\r\n.\r\n|", false },
	{ LF_HEAD "x\n.\nQUIT\n", HEAD "x\r\n.\r\n|", false }, { LF_HEAD ".\nquit", HEAD ".\r\n|", false },
	{ HEAD "x\n.\r\n.\r\n", HEAD "x\r\n..\r\n.\r\n|", false },
	{ BOM HEAD ".\r\n", HEAD ".\r\n|", false }, { BOM LF_HEAD ".\n", HEAD ".\r\n|", false },
	{ "EHLO host name\r\n" HEAD ".\r\n", HEAD ".\r\n|", false },
	{ "HELO\n" LF_HEAD ".\n", HEAD ".\r\n|", false },
	{ "LHLO x\r\nNOOP\r\nRSET\r\nnoop words\r\n" HEAD ".\r\nRSET\r\nEHLO y\r\nQUIT\r\n", HEAD ".\r\n|",
		false },
	{ HEAD ".\r\n" HEAD "x\r\n.\r\n", HEAD ".\r\n|" HEAD "x\r\n.\r\n|", false },
	{ LF_HEAD "a\n.\nRSET\n" LF_HEAD "b\n.\n" LF_HEAD "c\n.\n", HEAD "a\r\n.\r\n|" HEAD "b\r\n.\r\n|"
	  HEAD "c\r\n.\r\n|", false },
	{ "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d> NOTIFY=NEVER\r\nDATA\r\n.\r\n",
	  "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d> NOTIFY=NEVER\r\nDATA\r\n.\r\n|",
		true },
	{ "MAIL FROM: <a@b>  SIZE=5 \r\nRCPT TO: <@x:c@d>\r\nDATA \r\n.\r\n",
	  "MAIL FROM:<a@b> SIZE=5\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\n|", true },
	{ HEAD "0123456789012345678901234567890123456789012345678901234567\r\n.\r\n",
	  HEAD "0123456789012345678901234567890123456789012345678901234567\r\n.\r\n|", true },
};

START_TEST(test_good)
{
	for (size_t n = 1; n < 200; n += n < 8 ? 1 : 95) {
		struct outcome o;

		read_file(good[_i].file, strlen(good[_i].file), n, &o);
		ck_assert_str_eq(o.error, "");
		ck_assert_str_eq(buf_text(&o.out), good[_i].out);
		ck_assert(o.wire_form == good[_i].wire_form);
		buf_free(&o.out);
	}
}
END_TEST

static const struct { const char *file, *error; } bad[] = {
	{ "", "line 1: the file is empty" }, { BOM, "line 1: the file holds no message" },
	{ "\n", "line 1: the line is empty" }, { "\r\n", "line 1: the line is empty" },
	{ "HELO x\r\n", "line 2: the file holds no message" },
	{ "QUIT\r\n", "line 2: the file holds no message" },
	{ "NOOP\nRSET\n", "line 3: the file holds no message" },
	{ "X-Sender: <a@b>\r\n", "line 1: \"X-Sender:\" is a header field, not a command: MAIL FROM, RCPT TO and "
		"DATA must come first" },
	{ "Received: by x\n", "line 1: \"Received:\" is a header field, not a command: MAIL FROM, RCPT TO and "
		"DATA must come first" },
	{ "MAIL FROM:<a@b>\r\nTo: <c@d>\r\n", "line 2: \"To:\" is not a command known here" },
	{ ": x\r\n", "line 1: \":\" is not a command known here" },
	{ "VRFY a\r\n", "line 1: \"VRFY\" is not a command known here" },
	{ "MAILFROM:<a@b>\n", "line 1: \"MAILFROM:<a@b>\" is not a command known here" },
	{ "BDAT 5 LAST\n", "line 1: \"BDAT\" is not a command known here" },
	{ "\xef\xbb" HEAD ".\r\n", "line 1: \"??MAIL\" is not a command known here" },
	{ BOM BOM HEAD, "line 1: \"" BOM "MAIL\" is not a command known here" },
	{ " MAIL FROM:<a@b>\r\n", "line 1: the line begins with a blank" },
	{ "MAIL\tFROM:<a@b>\n", "line 1: there is a control character in the line" },
	{ "MAIL FROM:<a\rb@c>\n", "line 1: there is a control character in the line" },
	{ "EHLO \x1b\n", "line 1: there is a control character in the line" },
	{ "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\n", "line 2: the line ends in LF, the first one did in CR LF" },
	{ "MAIL FROM:<a@b>\nRCPT TO:<c@d>\r\n", "line 2: the line ends in CR LF, the first one did in LF" },
	{ "MAIL FROM:<a@b>\r\r\n", "line 1: there is a control character in the line" },
	{ "RCPT TO:<a@b>\r\n", "line 1: RCPT without MAIL ahead of it" },
	{ "DATA\r\n", "line 1: DATA without MAIL ahead of it" },
	{ "MAIL FROM:<a@b>\r\nDATA\r\n", "line 2: DATA without a recipient" },
	{ "MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n", "line 2: MAIL inside a transaction" },
	{ "MAIL FROM:<a@b>\r\nRSET\r\n", "line 2: RSET inside a transaction" },
	{ "MAIL FROM:<a@b>\r\nNOOP\r\n", "line 2: NOOP inside a transaction" },
	{ "MAIL FROM:<a@b>\r\nEHLO x\r\n", "line 2: a greeting inside a transaction" },
	{ "MAIL FROM:<a@b>\r\nQUIT\r\n", "line 2: QUIT inside a transaction" },
	{ "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA now\r\n", "line 3: DATA takes no parameter" },
	{ "RSET x\r\n", "line 1: RSET takes no parameter" },
	{ "QUIT now\r\n", "line 1: QUIT takes no parameter" },
	{ "MAIL FROM:<a b>\n", "line 1: MAIL FROM: address holds a character that is not allowed there" },
	{ "MAIL FROM:<a@b>\nRCPT TO:<>\n", "line 2: RCPT TO: the recipient is empty" },
	{ "MAIL FROM:<a@b> FOO=1\n", "line 1: MAIL FROM: FOO is not a parameter known here" },
	{ "MAIL FROM:<a@b>\nRCPT TO:<c@d> NOTIFY=NEVER,DELAY\n",
	  "line 2: RCPT TO: NOTIFY has NEVER beside others" },
	{ "MAIL FROM:<a@b>\nRCPT TO:<a>\nRCPT TO:<a>\nRCPT TO:<a>\nRCPT TO:<a>\n",
	  "line 5: RCPT TO: there are too many recipients" },
	{ "MAIL FROM:<a@b>", "line 1: the file ends inside a transaction" },
	{ "MAIL FROM:<a@b>\n", "line 2: the file ends inside a transaction" },
	{ HEAD, "line 4: the file ends inside a transaction" },
	{ HEAD "x\r\n.", "line 5: the file ends inside a transaction" },
	{ HEAD "x\r\n.\r", "line 5: the file ends inside a transaction" },
	{ HEAD "x\n.\n", "line 6: the file ends inside a transaction" },
	{ LF_HEAD "x\r\n.\r\n", "line 6: the file ends inside a transaction" },
	{ LF_HEAD "x\n.", "line 5: the file ends inside a transaction" },
	{ HEAD "x\r\n.\r\nMAIL FROM:<a@b>\r\n", "line 7: the file ends inside a transaction" },
	{ HEAD "x\r\n.\r\nsmuggled\r\n", "line 6: \"smuggled\" is not a command known here" },
	{ HEAD ".\r\n\r\n", "line 5: the line is empty" },
	{ HEAD ".\r\n.\r\n", "line 5: \".\" is not a command known here" },
	{ HEAD ".\r\nQUIT\r\n\r\n", "line 6: there is something behind QUIT" },
	{ HEAD ".\r\nQUIT\r\nMAIL", "line 6: there is something behind QUIT" },
	{ LF_HEAD ".\n" LF_HEAD ".\nRCPT TO:<a>\n", "line 9: RCPT without MAIL ahead of it" },
	{ HEAD "01234567890123456789012345678901234567890123456789012345678\r\n.\r\n",
	  "line 5: the message is larger than 60 bytes" },
};

START_TEST(test_bad)
{
	for (size_t n = 1; n < 200; n += n < 8 ? 1 : 95) {
		struct outcome o;

		read_file(bad[_i].file, strlen(bad[_i].file), n, &o);
		if (!strstr(bad[_i].error, "larger"))   /* the line it is noticed in depends on the cut */
			ck_assert_str_eq(o.error, bad[_i].error);
		ck_assert_str_ne(o.error, "");
		ck_assert(!o.wire_form);
		buf_free(&o.out);
	}
}
END_TEST

static const struct { const char *file; size_t size; struct bsmtp_facts facts; } files[] = {
#define FILE_OF(s) s, sizeof(s) - 1
	{ FILE_OF(HEAD "S: x\r\n\r\n.\r\n"), { sizeof HEAD - 1, 11, 0, false, false, false, "", false, false,
		false } },
	{ FILE_OF(BOM "NOOP\n" LF_HEAD "S: x\n\n.\n"), { 3 + 5 + sizeof LF_HEAD - 1, 11, 0, false, false,
		false, "", false, false, false } },
	{ FILE_OF(HEAD "Received: x\r\nReceived: y\r\nMessage-ID: <a@b>\r\n\r\n.\r\n"), { sizeof HEAD - 1,
		50, 2, false, false, false, "<a@b>", false, false, false } },
	{ FILE_OF(HEAD "S: \xc3\xbc\r\n\r\n.\r\n"), { sizeof HEAD - 1, 12, 0, true, true, false, "", false, false,
		false } },
	{ FILE_OF(HEAD "\r\n\xff\0\r\n.\r\n"), { sizeof HEAD - 1, 9, 0, true, false, true, "", false, false,
		false } },
	{ FILE_OF(HEAD "S: \xc3\xbc\r\nReceived: x\r\n\r\n.\r\n" HEAD ".\r\n"), { 2 * (sizeof HEAD - 1) + 25,
		3, 0, false, false, false, "", false, false, false } },
};

START_TEST(test_facts)
{
	const struct bsmtp_facts *f = &files[_i].facts;

	for (size_t n = 1; n < 200; n += 99) {
		struct outcome o;

		read_file(files[_i].file, files[_i].size, n, &o);
		ck_assert_str_eq(o.error, "");
		ck_assert_uint_eq(o.facts.content_at, f->content_at);
		ck_assert_uint_eq(o.facts.content_size, f->content_size);
		ck_assert_uint_eq(o.facts.hops, f->hops);
		ck_assert(o.facts.eight_bit == f->eight_bit);
		ck_assert(o.facts.utf8_header == f->utf8_header);
		ck_assert(o.facts.has_nul == f->has_nul);
		ck_assert(o.facts.long_lines == f->long_lines);
		ck_assert(o.facts.tls_optional == f->tls_optional && o.facts.requiretls == f->requiretls);
		ck_assert_str_eq(o.message_id, f->message_id);
		buf_free(&o.out);
	}
}
END_TEST

/* Lines of a message are none of the next one's business. */
static const struct {
	size_t first, second;
	bool long_lines;
} line_lengths[] = { { 998, 998, false }, { 999, 998, false }, { 998, 999, true }, { 10, 5000, true } };

START_TEST(test_long_lines)
{
	struct bsmtp *b = bsmtp_new(RCPT_LIMIT, 0);
	struct buf file, out;

	buf_init(&file, 100000);
	buf_init(&out, 100000);
	for (int i = 0; i < 2; i++) {
		buf_str(&file, HEAD);
		for (size_t n = i ? line_lengths[_i].second : line_lengths[_i].first; n; n--)
			buf_char(&file, 'x');
		buf_str(&file, "\r\n.\r\n");
	}
	ck_assert_int_eq(drain(b, text_make(file.data, file.len), &out), BSMTP_MORE);
	ck_assert(bsmtp_facts(b)->long_lines == line_lengths[_i].long_lines);
	bsmtp_free(b);
	buf_free(&file);
	buf_free(&out);
}
END_TEST

/* A command line that goes on and on is refused, not kept. */
START_TEST(test_long_line)
{
	struct bsmtp *b = bsmtp_new(RCPT_LIMIT, 0);
	char block[1000];
	struct buf out;
	int fed = 0;

	memset(block, 'x', sizeof block);
	buf_init(&out, 10);
	while (drain(b, text_make(block, sizeof block), &out) == BSMTP_MORE)
		ck_assert_int_lt(++fed, 10);
	ck_assert_str_eq(bsmtp_error(b), "line 1: the line is longer than 8192 bytes");
	ck_assert_int_eq(drain(b, text_of("QUIT\r\n"), &out), BSMTP_ERROR);
	ck_assert_int_eq(bsmtp_finish(b), BSMTP_ERROR);
	bsmtp_free(b);
}
END_TEST

START_TEST(test_no_limit)
{
	struct bsmtp *b = bsmtp_new((size_t)-1, 0);
	struct buf file, out;

	buf_init(&file, 10000000);
	buf_init(&out, 10000000);
	buf_str(&file, "MAIL FROM:<>\r\n");
	for (int i = 0; i < 100000; i++)
		buf_fmt(&file, "RCPT TO:<%d@x>\r\n", i);
	buf_str(&file, "DATA\r\n");
	for (int i = 0; i < 10000; i++)
		buf_str(&file, "..0123456789012345678901234567890123456789\r\n");
	buf_str(&file, ".\r\n");
	ck_assert_int_eq(drain(b, text_make(file.data, file.len), &out), BSMTP_MORE);
	ck_assert_int_eq(bsmtp_finish(b), BSMTP_MORE);
	ck_assert(bsmtp_is_wire_form(b));
	ck_assert_uint_eq(out.len, file.len + 1);
	ck_assert_mem_eq(out.data, file.data, file.len);
	bsmtp_free(b);
	buf_free(&file);
	buf_free(&out);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads, however it is cut", test_good, UNIT_ROWS(good), 0 },
		{ "refuses, however it is cut", test_bad, UNIT_ROWS(bad), 0 },
		{ "gathers facts", test_facts, UNIT_ROWS(files), 0 },
		{ "long lines", test_long_lines, UNIT_ROWS(line_lengths), 0 },
		{ "bounds command lines", test_long_line, 1, 0 },
		{ "reads large files", test_no_limit, 1, 0 },
	};

	return unit_main("format/bsmtp", cases, UNIT_ROWS(cases));
}
