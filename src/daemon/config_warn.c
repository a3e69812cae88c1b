#include "daemon/config_warn.h"

#include <string.h>

#include "base/text.h"

/* Options that change mail, keep something from strangers, or tell somebody: they must not be left out in silence. */
static const char *const waiting[] = {
	"sasl_auth_enable",
};

static bool is_off(const char *value)
{
	return !*value || strcmp(value, "no") == 0 || strcmp(value, "0") == 0 || strcmp(value, "0s") == 0;
}

static void warn_about_waiting(struct config *c, const struct config_value *v)
{
	const char *name = config_name_of(v->path);

	for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
		if (strcmp(name, waiting[i]) == 0 && !is_off(v->expanded))
			buf_fmt(c->warnings, "%s: %s: accepted, but this version does not act on it yet\n", v->place,
				v->written);
}

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
		warn_about_waiting(c, v);
		warn_about_idle_time(c, v);
	}
}
