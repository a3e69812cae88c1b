#include "talk/dialogue_private.h"

#include <string.h>

#include "base/text.h"
#include "format/address/address.h"
#include "format/address/xtext.h"

static bool offers(const struct dialogue *d, unsigned keyword)
{
	return d->offers.offers & keyword;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s > 127)
			return false;
	return true;
}

bool dialogue_needs_smtputf8(const struct dialogue *d)
{
	const struct envelope *e = d->now.t.envelope;

	if (d->no_smtputf8)
		return false;
	if (e->smtputf8 && d->now.t.utf8_header && d->manner->utf8_headers == UTF8_STRICT)
		return true;
	if (!is_ascii(e->sender))
		return true;
	for (size_t i = 0; i < e->count; i++)
		if (!is_ascii(e->rcpts[i].address))
			return true;
	return false;
}

/* Whether this transaction is sent with SMTPUTF8 (RFC 6531 3.4). */
static bool uses_smtputf8(const struct dialogue *d)
{
	return offers(d, EHLO_SMTPUTF8) && (d->now.t.envelope->smtputf8 || d->now.needs_utf8);
}

bool dialogue_passes_requiretls(const struct dialogue *d)
{
	return d->requiretls != REQUIRETLS_OFF && d->secure && offers(d, EHLO_REQUIRETLS);
}

bool dialogue_wants_7bit(const struct dialogue *d)
{
	return d->now.t.eight_bit && !d->keeps_8bit && !offers(d, EHLO_8BITMIME);
}

bool dialogue_wants_ascii_header(const struct dialogue *d)
{
	return d->now.t.utf8_header && d->manner->utf8_headers == UTF8_DOWNGRADE && !uses_smtputf8(d);
}

/* What it will be is not known. */
static bool changes_size(const struct dialogue *d)
{
	return dialogue_wants_7bit(d) || dialogue_wants_ascii_header(d);
}

/* What the content is counts more than what its sender declared; BINARYMIME is not
 * spoken. */
static void say_body(const struct dialogue *d, struct buf *out)
{
	enum envelope_body body = d->now.t.envelope->body;

	if (!offers(d, EHLO_8BITMIME))
		return;
	if (d->now.t.eight_bit || body == BODY_8BITMIME || body == BODY_BINARYMIME)
		buf_str(out, " BODY=8BITMIME");
	else if (body == BODY_7BIT)
		buf_str(out, " BODY=7BIT");
}

/* Where REQUIRETLS ends, at least the content shall not come back in clear. */
static enum envelope_ret ret(const struct dialogue *d)
{
	bool lost = d->requiretls != REQUIRETLS_OFF && !dialogue_passes_requiretls(d);

	return lost ? RET_HDRS : d->now.t.envelope->ret;
}

static void say_dsn(const struct dialogue *d, struct buf *out)
{
	if (d->now.t.envelope->envid)
		buf_fmt(out, " ENVID=%s", d->now.t.envelope->envid);
	if (ret(d) != RET_NONE)
		buf_str(out, ret(d) == RET_FULL ? " RET=FULL" : " RET=HDRS");
}

/* Without its quotes a local part that is empty or holds < or > would not be read as one. */
static bool may_go_bare(const struct dialogue *d, struct text plain)
{
	return !d->manner->quote_rfc821_envelope && plain.n > 0 && !memchr(plain.p, '<', plain.n)
		&& !memchr(plain.p, '>', plain.n);
}

/* As it goes between < and >: quoted only where it has to be, or never. */
static void say_address(const struct dialogue *d, const char *address, struct buf *out)
{
	struct text local, domain, bare;
	struct buf plain;

	if (address[0] != '"') {
		buf_str(out, address);
		return;
	}
	address_split(text_of(address), &local, &domain);
	buf_init(&plain, ADDRESS_MAX + 1);
	address_unquote(local, &plain);
	bare = text_make(buf_text(&plain), plain.len);
	if (may_go_bare(d, bare))
		buf_add(out, bare.p, bare.n);
	else if (!address_quote(bare, out))
		buf_add(out, local.p, local.n);
	if (domain.n) {
		buf_char(out, '@');
		buf_add(out, domain.p, domain.n);
	}
	buf_free(&plain);
}

void dialogue_mail_line(const struct dialogue *d, struct buf *out)
{
	const struct envelope *e = d->now.t.envelope;

	buf_str(out, "MAIL FROM:<");
	say_address(d, e->sender, out);
	buf_char(out, '>');
	if (offers(d, EHLO_SIZE) && !changes_size(d))
		buf_fmt(out, " SIZE=%llu", (unsigned long long)d->now.t.content_size);
	say_body(d, out);
	if (offers(d, EHLO_DSN))
		say_dsn(d, out);
	if (uses_smtputf8(d))
		buf_str(out, " SMTPUTF8");
	if (dialogue_passes_requiretls(d))
		buf_str(out, " REQUIRETLS");
	if (offers(d, EHLO_AUTH) && e->auth)
		buf_fmt(out, " AUTH=%s", e->auth);
	else if (d->authenticated && d->manner->send_dummy_mail_auth)
		buf_str(out, " AUTH=<>");
	buf_str(out, "\r\n");
}

static void say_orcpt(const struct dialogue *d, const struct envelope_rcpt *r, struct buf *out)
{
	if (r->orcpt) {
		if (is_ascii(r->orcpt) || uses_smtputf8(d))
			buf_fmt(out, " ORCPT=%s", r->orcpt);
	} else if (r->original && is_ascii(r->original)) {
		buf_str(out, " ORCPT=rfc822;");
		xtext_encode(text_of(r->original), out);
	} else if (r->original && uses_smtputf8(d)) {
		buf_str(out, " ORCPT=utf-8;");
		xtext_encode_utf8(text_of(r->original), out);
	}
}

void dialogue_rcpt_line(const struct dialogue *d, const struct envelope_rcpt *r, struct buf *out)
{
	buf_str(out, "RCPT TO:<");
	say_address(d, r->address, out);
	buf_char(out, '>');
	if (offers(d, EHLO_DSN)) {
		say_orcpt(d, r, out);
		if (r->notify)
			buf_fmt(out, " NOTIFY=%s", envelope_notify_text(r->notify));
	}
	buf_str(out, "\r\n");
}
