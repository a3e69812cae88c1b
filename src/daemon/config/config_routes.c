#include "daemon/config/config_routes.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "table/table.h"

/* More are not told: the table is a wrong one as a whole. */
enum { TOLD_MAX = 20 };

struct looking {
	const struct settings *settings;
	struct buf *warnings;
	struct map *told;            /* names of transports, each with anything */
};

/* A value is "transport:nexthop"; without a transport it leaves that to other parameters (transport(5)). */
static void look_at(void *arg, const char *value)
{
	struct looking *l = arg;
	struct text rest = text_trim(text_of(value)), name;
	char *copy, *complaint;

	if (!text_until(&rest, ':', &name))
		name = rest;
	if (!name.n || map_count(l->told) >= TOLD_MAX || map_get(l->told, name.p, name.n))
		return;
	copy = mem_strn(name.p, name.n);
	complaint = settings_transport(l->settings, copy) ? NULL : settings_no_transport(l->settings, copy);
	free(copy);
	if (!complaint)
		return;
	map_put(l->told, name.p, name.n, l);
	buf_fmt(l->warnings, "transport_maps: %s (mail that goes there is deferred, 4.3.5)\n", complaint);
	free(complaint);
}

bool config_routes_check(const struct settings *s, struct buf *warnings, char **why)
{
	struct table_list *tables = table_list_open_literal(s->transport_maps, why);
	struct looking looking = { .settings = s, .warnings = warnings };

	if (!tables)
		return false;
	looking.told = map_new();
	table_list_each_value(tables, look_at, &looking);
	map_free(looking.told);
	table_list_free(tables);
	return true;
}
