#include "queue/message/trace.h"

#include <string.h>

#include "format/address/address.h"
#include "format/header/own_mail.h"
#include "talk/transport_flags.h"

enum { RECEIVED_MAX = 1000, FLAGGED_MAX = RECEIVED_MAX + 3 * (ADDRESS_MAX + 40) };

char *trace_received(const char *myhostname, const struct active *a, int64_t arrived, bool requiretls_field)
{
	struct buf b;

	buf_init(&b, RECEIVED_MAX);
	buf_fmt(&b, "Received: by %s (Causeway", myhostname);
	if (!queue_id_report(a->message->id))
		buf_fmt(&b, ", from userid %lu", (unsigned long)a->uid);
	buf_fmt(&b, ")\r\n\tid %s; ", a->name);
	own_mail_date(arrived, &b);
	buf_str(&b, "\r\n");
	if (requiretls_field)
		buf_str(&b, "Require-TLS-ESMTP: yes\r\n");
	return buf_take(&b);
}

char *trace_flagged(const char *flags, const struct envelope *e, const struct envelope_rcpt *r,
	const char *received)
{
	struct buf b;

	buf_init(&b, FLAGGED_MAX);
	if (transport_flags_have(flags, FLAG_RETURN_PATH))
		buf_fmt(&b, "Return-Path: <%s>\r\n", e->sender);
	if (transport_flags_have(flags, FLAG_ORIGINAL_TO))
		buf_fmt(&b, "X-Original-To: %s\r\n", r->original ? r->original : r->address);
	if (transport_flags_have(flags, FLAG_DELIVERED_TO))
		buf_fmt(&b, "Delivered-To: %s\r\n", r->address);
	buf_str(&b, received);
	return buf_take(&b);
}
