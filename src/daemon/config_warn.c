#include "daemon/config_warn.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "format/quoted_printable.h"

static void warn_about_idle_time(struct config *c, const struct config_value *v)
{
	int64_t most = c->settings->connection_cache_ttl_limit, wanted;

	if (strcmp(config_name_of(v->path), "connection_cache_time_limit") == 0 &&
			text_duration(text_of(v->expanded), &wanted) && wanted > most)
		buf_fmt(c->warnings, "%s: %s: no connection is kept for longer than connection_cache_ttl_limit, "
			"which is %lld s\n", v->place, v->written, (long long)most / 1000);
}

/* An encoded word is at most one such line, with the blank ahead of it. */
static void warn_about_short_lines(struct config *c, const struct config_value *v)
{
	struct text value = text_of(v->expanded);
	uint64_t limit;

	if (strcmp(config_name_of(v->path), "line_length_limit") == 0 && strchr(v->path, '.') &&
			text_number(&value, INT_MAX, &limit) && limit > 0 && limit < QP_LINE)
		buf_fmt(c->warnings, "%s: %s: what is encoded may be cut so that nobody can read it: encoded words in "
			"headers take up to %d bytes of a line, quoted-printable at least %d\n", v->place, v->written,
			QP_LINE, QP_LEAST);
}

void config_warn(struct config *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct config_value *v = c->values[i];

		if (!v->place)
			continue;
		warn_about_idle_time(c, v);
		warn_about_short_lines(c, v);
	}
}
