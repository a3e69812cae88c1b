/*
 * generic_maps of a transport (generic(5)): addresses as the world knows them in place of those known
 * here only, in the envelope and in the message's header. Searched are the address, the same without
 * its extension, the local part (with and without its extension) where the domain is this site's, and
 * @domain. This site's domains are myorigin and mailbox_domains.
 */
#ifndef CAUSEWAY_COURIER_GENERIC_H
#define CAUSEWAY_COURIER_GENERIC_H

#include "base/buf.h"
#include "base/text.h"
#include "format/smtp/envelope.h"
#include "settings/settings.h"

struct generic;

/* Opens the tables; NULL with *why NULL: none is configured; NULL and *why (free() it): they cannot be
 * opened. The settings are borrowed. */
struct generic *generic_new(const struct settings *, const struct manner *, char **why);
void generic_free(struct generic *);

enum generic_result { GENERIC_SAME, GENERIC_OTHER, GENERIC_ERROR };

/* What becomes of an address in wire form, if another, is put into out. On an error *why is a text
 * that is valid until the next question. */
enum generic_result generic_map(struct generic *, struct text address, struct buf *out, const char **why);

/* The addresses of an envelope mapped, in one that holds nothing else; envelope_free it. NULL and *why
 * on an error. */
struct envelope *generic_envelope(struct generic *, const struct envelope *, const char **why);

/* Appends a header field with its addresses mapped; all else stays as it is, and a line that would
 * become too long is folded. value: what stands behind the colon, which is a part of field. False and
 * *why on an error. */
bool generic_field(struct generic *, struct text field, struct text value, struct buf *out, const char **why);

#endif
