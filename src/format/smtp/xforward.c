#include "format/smtp/xforward.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/text.h"
#include "format/address/xtext.h"
#include "format/smtp/ehlo.h"

static const struct {
	unsigned bit;
	const char *word;
	size_t member;
	bool may_be_unknown;   /* the word "unknown" stands for nothing */
} rows[] = {
	{ EHLO_XF_NAME, "NAME", offsetof(struct xforward, name), true },
	{ EHLO_XF_ADDR, "ADDR", offsetof(struct xforward, addr), true },
	{ EHLO_XF_PORT, "PORT", offsetof(struct xforward, port), true },
	{ EHLO_XF_PROTO, "PROTO", offsetof(struct xforward, proto), true },
	{ EHLO_XF_HELO, "HELO", offsetof(struct xforward, helo), false },
	{ EHLO_XF_IDENT, "IDENT", offsetof(struct xforward, ident), false },
	{ EHLO_XF_SOURCE, "SOURCE", offsetof(struct xforward, source), false },
};

void xforward_release(struct xforward *x)
{
	free(x->name);
	free(x->addr);
	free(x->port);
	free(x->proto);
	free(x->helo);
	free(x->ident);
	free(x->source);
	*x = (struct xforward){ 0 };
}

bool xforward_print(const struct xforward *x, unsigned attributes, struct buf *out)
{
	bool some = false;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *value = *(char *const *)(const void *)((const char *)x + rows[i].member);

		if (!(attributes & rows[i].bit) || !value || !*value)
			continue;
		if (rows[i].may_be_unknown && text_is_nocase(text_of(value), "unknown"))
			continue;
		buf_fmt(out, "%s %s=", some ? "" : "XFORWARD", rows[i].word);
		xtext_encode(text_of(value), out);
		some = true;
	}
	if (some)
		buf_str(out, "\r\n");
	return some;
}
