#include "unit.h"

#include "format/header/header.h"

static const struct { const char *wire; unsigned hops; bool utf8; const char *message_id; } headers[] = {
	{ "Received: x\r\nReceived: y\r\n\tReceived: folded\r\nMessage-ID: <a@b>\r\n\r\nReceived: body\r\n.\r\n",
		2, false, "<a@b>" },
	{ "RECEIVED : x\r\nmessage-id:<a@b>  \r\nMessage-ID: <second>\r\n\r\n", 1, false, "<a@b>" },
	{ "Message-Id:\r\n  <folded@b>\r\nX: y\r\n\r\n", 0, false, "<folded@b>" },
	{ "Message-Id: \r\nX: <no@b>\r\n <neither@b>\r\n\r\n", 0, false, "" },
	{ "Message-Id:\r\n\r\n <body@b>\r\n", 0, false, "" },
	{ "Subject: gr\xc3\xbcn\r\n\r\n", 0, true, "" },
	{ "Subject: x\r\n\r\ngr\xc3\xbcn\r\n", 0, false, "" },
	{ "Message-ID: <a\x01\x1b[1m\xff>\r\n\r\n", 0, true, "<a??[1m?>" },
	{ "X-Received: x\r\nReceivedX: y\r\nReceived\r\n\r\n", 0, false, "" },
	{ "\r\nReceived: x\r\n", 0, false, "" }, { ".\r\n", 0, false, "" },
	{ "no colon here\r\nReceived: x\r\n.\r\n", 1, false, "" },
	{ "Received: x", 0, false, "" }, { "", 0, false, "" },
};

static void expect(const struct header *h, int row)
{
	ck_assert_uint_eq(h->hops, headers[row].hops);
	ck_assert(h->utf8 == headers[row].utf8);
	ck_assert_str_eq(buf_text(&h->message_id), headers[row].message_id);
}

START_TEST(test_header)
{
	struct text t = text_of(headers[_i].wire);
	struct header h;

	header_init(&h);
	header_begin(&h);
	header_feed(&h, t);
	expect(&h, _i);
	header_begin(&h);
	for (; t.n; t = text_make(t.p + 1, t.n - 1))
		header_feed(&h, text_make(t.p, 1));
	expect(&h, _i);
	header_free(&h);
}
END_TEST

static const struct { const char *wire; bool optional, required; } tls_fields[] = {
	{ "TLS-Required: No\r\n\r\n", true, false }, { "tls-required:no \t\r\nX: y\r\n\r\n", true, false },
	{ "X: y\r\nTLS-REQUIRED : NO\r\n\r\n", true, false },
	{ "TLS-Required: yes\r\nTLS-Required: no\r\n\r\n", true, false },
	{ "Require-TLS-ESMTP: yes\r\n\r\n", false, true }, { "require-tls-esmtp:YES\r\n\r\n", false, true },
	{ "Require-TLS-ESMTP: yes\r\nTLS-Required: no\r\n\r\n", true, true },
	{ "TLS-Required: nothing\r\n\r\n", false, false }, { "TLS-Required: n\r\n\r\n", false, false },
	{ "TLS-Required:\r\n\r\n", false, false }, { "TLS-Required no\r\n\r\n", false, false },
	{ "X-TLS-Required: no\r\n\r\n", false, false }, { "\r\nTLS-Required: no\r\n\r\n", false, false },
	{ "X: y\r\n TLS-Required: no\r\n\r\n", false, false }, { "Require-TLS-ESMTP: no\r\n\r\n", false, false },
	{ "Require-TLS: yes\r\n\r\n", false, false }, { "TLS-Required: yes\r\n\r\n", false, false },
	{ "\r\nRequire-TLS-ESMTP: yes\r\n", false, false },
	/* folded, and with comments */
	{ "TLS-Required:\r\n no\r\n\r\n", true, false },
	{ "TLS-Required:\r\n\t \r\n  No \r\n \r\nX: y\r\n\r\n", true, false },
	{ "tls-required: (a \\) (b))\r\n\tNO (c)\r\n.\r\n", true, false },
	{ "TLS-Required:no(c)\r\n\r\n", true, false },
	{ "Require-TLS-ESMTP:\r\n YES\r\n\r\n", false, true },
	{ "TLS-Required: no\r\n thing\r\n\r\n", false, false },
	{ "TLS-Required:\r\n n\r\n o\r\n\r\n", false, false },
	{ "TLS-Required: (no)\r\n\r\n", false, false }, { "TLS-Required: (no\r\n\r\n", false, false },
	{ "TLS-Required:\r\nX: y\r\n no\r\n\r\n", false, false }, { "TLS-Required:\r\nno\r\n\r\n", false, false },
	{ "TLS-Required:\r\n\r\n no\r\n", false, false }, { "TLS-Required: yes\r\n no\r\n\r\n", false, false },
	{ "TLS-Required:\r\n yes\r\n\r\n", false, false }, { "Require-TLS-ESMTP:\r\n no\r\n\r\n", false, false },
	{ " TLS-Required: no\r\n\r\n", false, false }, { "TLS-Required:\r\n no\r\n.\r\n", true, false },
};

START_TEST(test_tls_fields)
{
	struct text t = text_of(tls_fields[_i].wire);
	struct header h;

	header_init(&h);
	for (size_t step = 1; step <= t.n; step += t.n - 1) {
		header_begin(&h);
		for (size_t i = 0; i < t.n; i += step)
			header_feed(&h, text_make(t.p + i, step));
		ck_assert(h.tls_optional == tls_fields[_i].optional);
		ck_assert(h.requiretls == tls_fields[_i].required);
	}
	header_free(&h);
}
END_TEST

/* A value that goes on behind what is kept is not the word that it begins with. */
START_TEST(test_long_value)
{
	struct header h;

	header_init(&h);
	header_begin(&h);
	header_feed(&h, text_of("TLS-Required: no\r\n"));
	for (int i = 0; i < 2000; i++)
		header_feed(&h, text_of(i == 100 ? " thing\r\n" : " \r\n"));
	header_feed(&h, text_of("TLS-Required:\r\n no\r\n"));
	ck_assert(!h.tls_optional);
	header_feed(&h, text_of("\r\n"));
	ck_assert(h.tls_optional);
	header_free(&h);
}
END_TEST

START_TEST(test_long)
{
	struct header h;
	struct buf b;

	header_init(&h);
	header_begin(&h);
	buf_init(&b, 10000);
	buf_str(&b, "Message-ID: ");
	for (int i = 0; i < 5000; i++)
		buf_char(&b, 'x');
	buf_str(&b, "\r\nReceived: x\r\n\r\n");
	for (size_t i = 0; i < b.len; i += 7)
		header_feed(&h, text_make(b.data + i, b.len - i < 7 ? b.len - i : 7));
	ck_assert_uint_eq(h.message_id.len, HEADER_MESSAGE_ID_MAX + 3);
	ck_assert_uint_eq(h.hops, 1);
	ck_assert(h.over);
	buf_free(&b);
	header_free(&h);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "sees the header, whole and byte by byte", test_header, UNIT_ROWS(headers), 0 },
		{ "fields about TLS", test_tls_fields, UNIT_ROWS(tls_fields), 0 },
		{ "fields about TLS that are too long", test_long_value, 1, 0 },
		{ "keeps long lines bounded", test_long, 1, 0 },
	};

	return unit_main("format/header", cases, UNIT_ROWS(cases));
}
