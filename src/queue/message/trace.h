/* The header fields that go ahead of a message: Received (RFC 5321 section 4.4), and what the transport's
 * flags ask for. */
#ifndef CAUSEWAY_QUEUE_TRACE_H
#define CAUSEWAY_QUEUE_TRACE_H

#include "queue/message/active.h"

/* "Received: by HOST (Causeway, from userid UID) id ID; DATE" in wire form, folded; arrived in ms since 1970;
 * behind that, if requiretls_field, "Require-TLS-ESMTP: yes". free() it. */
char *trace_received(const char *myhostname, const struct active *, int64_t arrived, bool requiretls_field);

/* The same for one recipient behind the fields that flags ask for: R "Return-Path: <sender>", O
 * "X-Original-To: original", D "Delivered-To: recipient", in this order (behaviour B-2). free() it. */
char *trace_flagged(const char *flags, const struct envelope *, const struct envelope_rcpt *,
	const char *received);

#endif
