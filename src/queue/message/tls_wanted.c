#include "queue/message/tls_wanted.h"

enum tls_wanted tls_wanted_of(const struct settings *s, const struct spool_message *m)
{
	bool required = m->envelope->requiretls || (m->requiretls && s->tls.requiretls_esmtp_header);

	if (required && s->tls.requiretls_enable)
		return TLS_WANTED_REQUIRED;
	return m->tls_optional && s->tls.required_enable ? TLS_WANTED_OPTIONAL : TLS_WANTED_AS_USUAL;
}

const char *tls_wanted_text(enum tls_wanted wanted)
{
	static const char *const texts[] = { NULL, "REQUIRETLS", "TLS-Required: no" };

	return texts[wanted];
}
