#include "daemon/config_warn.h"

#include <string.h>

#include "base/text.h"

static void warn_about_idle_time(struct config *c, const struct config_value *v)
{
	int64_t most = c->settings->connection_cache_ttl_limit, wanted;

	if (strcmp(config_name_of(v->path), "connection_cache_time_limit") == 0 &&
			text_duration(text_of(v->expanded), &wanted) && wanted > most)
		buf_fmt(c->warnings, "%s: %s: no connection is kept for longer than connection_cache_ttl_limit, "
			"which is %lld s\n", v->place, v->written, (long long)most / 1000);
}

void config_warn(struct config *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct config_value *v = c->values[i];

		if (!v->place)
			continue;
		warn_about_idle_time(c, v);
	}
}
