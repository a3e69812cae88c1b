#include "format/report/dsn.h"

#include <string.h>

#include "format/address/xtext.h"
#include "format/content/content.h"
#include "format/header/own_mail.h"
#include "format/report/dsn_text.h"

enum { FIELD_MAX = 16 * 1024 };

static bool is_ascii(const char *s)
{
	return text_is_ascii(text_of(s));
}

bool dsn_is_utf8(const struct dsn_report *r)
{
	return !is_ascii(r->to) || !is_ascii(r->from);
}

/* ORCPT's type and the address behind it, decoded into plain; false if it is none. */
static bool decode_orcpt(const char *orcpt, struct text *type, struct buf *plain)
{
	struct text rest = text_of(orcpt);

	if (!orcpt || !text_until(&rest, ';', type))
		return false;
	if (text_is_nocase(*type, "utf-8"))
		xtext_decode_utf8(rest, plain);
	else
		xtext_decode(rest, plain);
	return true;
}

static bool rcpt_is_utf8(const struct dsn_rcpt *r)
{
	struct text type;
	struct buf plain;
	bool utf8;

	buf_init(&plain, FIELD_MAX);
	utf8 = !is_ascii(r->address) || (decode_orcpt(r->orcpt, &type, &plain) && text_is_nocase(type, "utf-8") &&
		!text_is_ascii(text_make(buf_text(&plain), plain.len)));
	buf_free(&plain);
	return utf8;
}

/* Whether some address in it is not ASCII, so that the status part has the form of RFC 6533. */
static bool has_utf8_address(const struct dsn_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (rcpt_is_utf8(&r->rcpts[i]))
			return true;
	return dsn_is_utf8(r);
}

static bool text_is_8bit(const struct dsn_report *r)
{
	for (const struct dsn_rcpt *at = r->rcpts; at < r->rcpts + r->count; at++)
		if (!is_ascii(at->address) || !is_ascii(at->reason) || !is_ascii(at->diagnostic))
			return true;
	return !is_ascii(r->myhostname);
}

bool dsn_is_8bit(const struct dsn_report *r)
{
	return text_is_8bit(r) || has_utf8_address(r) || !text_is_ascii(r->original);
}

static const char *encoding(bool eight_bit)
{
	return eight_bit ? "8bit" : "7bit";
}

/* One line or more "Name: value", cleaned; what is not ASCII is masked where the part is to be ASCII. */
static void field(struct buf *out, const char *name, const char *value, bool utf8)
{
	struct buf line, first;

	buf_init(&line, FIELD_MAX);
	buf_init(&first, 64);
	buf_str(&line, value);
	for (size_t i = 0; i < line.len && !utf8; i++)
		if ((unsigned char)line.data[i] > 0x7f)
			line.data[i] = '?';
	buf_fmt(&first, "%s: ", name);
	content_add_folded(buf_text(&first), "    ", text_make(buf_text(&line), line.len), out);
	buf_free(&first);
	buf_free(&line);
}

/* "Name: type; value". */
static void typed_field(struct buf *out, const char *name, const char *type, const char *value, bool utf8)
{
	struct buf typed;

	buf_init(&typed, FIELD_MAX);
	buf_fmt(&typed, "%s; %s", type, value);
	field(out, name, buf_text(&typed), utf8);
	buf_free(&typed);
}

static void date_field(struct buf *out, const char *name, int64_t ms)
{
	if (ms == 0)
		return;
	buf_fmt(out, "%s: ", name);
	own_mail_date(ms, out);
	buf_str(out, "\r\n");
}

/* A string that no line of the original begins with, to part the parts. */
static void make_boundary(const struct dsn_report *r, struct buf *out)
{
	unsigned n = 0;

	do {
		buf_clear(out);
		buf_fmt(out, "=_%s.%lld.%u", r->queue_id, (long long)r->now, n++);
	} while (r->original.n && memmem(r->original.p, r->original.n, out->data, out->len));
}

static void print_header(const struct dsn_report *r, const char *boundary, struct buf *out)
{
	own_mail_begin(&(struct own_mail){ .from = r->from, .to = r->to, .subject = dsn_text_subject(r),
		.message_id = r->message_id, .obsolete_from = r->obsolete_from, .answer = true, .now = r->now }, out);
	if (r->tls_optional)
		buf_str(out, "TLS-Required: no\r\n");
	buf_str(out, "Content-Type: multipart/report; report-type=delivery-status;\r\n");
	buf_fmt(out, "\tboundary=\"%s\"\r\n", boundary);
	buf_fmt(out, "Content-Transfer-Encoding: %s\r\n\r\n", encoding(dsn_is_8bit(r)));
}

static void begin_part(struct buf *out, const char *boundary, const char *description, const char *type,
	bool eight_bit)
{
	buf_fmt(out, "--%s\r\nContent-Description: %s\r\nContent-Type: %s\r\n", boundary, description, type);
	buf_fmt(out, "Content-Transfer-Encoding: %s\r\n\r\n", encoding(eight_bit));
}

static void print_envid(const char *envid, bool utf8, struct buf *out)
{
	struct buf plain;

	if (!envid)
		return;
	buf_init(&plain, FIELD_MAX);
	xtext_decode(text_of(envid), &plain);
	field(out, "Original-Envelope-Id", buf_text(&plain), utf8);
	buf_free(&plain);
}

/* ORCPT's "type;xtext" with the address decoded. */
static void print_orcpt(const char *orcpt, bool utf8, struct buf *out)
{
	struct text type;
	struct buf plain, value;

	buf_init(&plain, FIELD_MAX);
	buf_init(&value, FIELD_MAX);
	if (decode_orcpt(orcpt, &type, &plain)) {
		buf_fmt(&value, "%.*s;%s", (int)type.n, type.p, buf_text(&plain));
		field(out, "Original-Recipient", buf_text(&value), utf8);
	}
	buf_free(&plain);
	buf_free(&value);
}

static void print_rcpt(const struct dsn_report *report, const struct dsn_rcpt *r, bool utf8, struct buf *out)
{
	static const char *const actions[] = { "failed", "delayed", "delivered", "relayed", "expanded" };

	buf_str(out, "\r\n");
	print_orcpt(r->orcpt, utf8, out);
	typed_field(out, "Final-Recipient", is_ascii(r->address) ? "rfc822" : "utf-8", r->address, utf8);
	buf_fmt(out, "Action: %s\r\n", actions[r->action]);
	field(out, "Status", r->status, utf8);
	if (r->remote)
		typed_field(out, "Remote-MTA", "dns", r->remote, utf8);
	if (r->diagnostic)
		typed_field(out, "Diagnostic-Code", "smtp", r->diagnostic, utf8);
	else if (r->reason)
		typed_field(out, "Diagnostic-Code", "x-causeway", r->reason, utf8);
	date_field(out, "Last-Attempt-Date", r->last_attempt);
	if (r->action == DSN_DELAYED && report->lifetime > 0)
		date_field(out, "Will-Retry-Until", report->now + report->lifetime);
}

static void print_status(const struct dsn_report *r, bool utf8, struct buf *out)
{
	print_envid(r->envid, utf8, out);
	typed_field(out, "Reporting-MTA", "dns", r->myhostname, utf8);
	field(out, "X-Causeway-Queue-ID", r->queue_id, utf8);
	date_field(out, "Arrival-Date", r->arrived);
	for (size_t i = 0; i < r->count; i++)
		print_rcpt(r, &r->rcpts[i], utf8, out);
	buf_str(out, "\r\n");
}

/* Only a header of valid UTF-8 beyond ASCII makes the original a "global" message (RFC 6532 section 3.7). */
static const char *original_type(const struct dsn_report *r)
{
	struct text header = content_header(r->original);
	bool global = !text_is_ascii(header) && text_is_utf8(header);

	if (r->headers_only)
		return global ? "message/global-headers" : "text/rfc822-headers";
	return global ? "message/global" : "message/rfc822";
}

bool dsn_print(const struct dsn_report *r, struct buf *out)
{
	const bool utf8 = has_utf8_address(r);
	const char *status_type = utf8 ? "message/global-delivery-status" : "message/delivery-status";
	const char *description = r->headers_only ? "Header of the message" : "The message";
	struct buf boundary;
	const char *b;

	buf_init(&boundary, 128);
	make_boundary(r, &boundary);
	b = buf_text(&boundary);
	print_header(r, b, out);
	begin_part(out, b, "Notification", "text/plain; charset=utf-8", text_is_8bit(r));
	dsn_text_print(r, out);
	buf_str(out, "\r\n");
	begin_part(out, b, "Delivery report", status_type, utf8);
	print_status(r, utf8, out);
	begin_part(out, b, description, original_type(r), !text_is_ascii(r->original));
	buf_add(out, r->original.p, r->original.n);
	if (r->original.n == 0 || r->original.p[r->original.n - 1] != '\n')
		buf_str(out, "\r\n");
	buf_fmt(out, "\r\n--%s--\r\n.\r\n", b);
	buf_free(&boundary);
	return !out->over;
}
