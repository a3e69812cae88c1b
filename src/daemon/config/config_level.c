#include "daemon/config/config_level.h"

/* "3.11" as 3011. */
enum { NEWEST = 3012, PARTS_MAX = 1000 };

/* From Postfix's COMPATIBILITY_README: what changed at a level was this before. */
static const struct {
	uint64_t level;
	const char *path, *before;
} changes[] = {
	{ 1000, "smtputf8_enable", "no" },
	{ 3006, "smtp.tls_fingerprint_digest", "md5" },
	{ 3006, "lmtp.tls_fingerprint_digest", "md5" },
	{ 3011, "smtp.tls_security_level", "" },
	{ 3011, "smtp.tlsrpt_skip_reused_handshakes", "yes" },
	{ 3011, "lmtp.tlsrpt_skip_reused_handshakes", "yes" },
};

/* "3", "3.6" or "3.6.1", of which the last part changes nothing. */
static bool read_level(struct text t, uint64_t *level)
{
	uint64_t part[3] = { 0, 0, 0 };
	size_t count = 0;

	for (struct text rest = t; rest.n > 0 || count == 0;) {
		struct text one = rest;

		if (!text_until(&rest, '.', &one))
			rest.n = 0;
		if (count == 3 || !text_number(&one, PARTS_MAX - 1, &part[count++]) || one.n > 0)
			return false;
	}
	*level = part[0] * PARTS_MAX + part[1];
	return true;
}

bool config_level(struct config *c)
{
	const struct config_value *v = config_find(c, "compatibility_level");
	uint64_t level;

	if (!v)
		return true;
	if (!read_level(text_trim(text_of(v->text)), &level))
		return config_fail_value(c, v, v->text, "not a level (major.minor)");
	if (level > NEWEST)
		return config_fail_value(c, v, v->text, "above 3.12, the highest level there is");
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (level < changes[i].level)
			config_add_default(c, changes[i].path, changes[i].before);
	return true;
}
