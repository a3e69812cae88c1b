/* The operator's question which way mail takes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address.h"
#include "queue/core.h"
#include "queue/health.h"
#include "queue/message_json.h"
#include "queue/queue.h"
#include "queue/route.h"

static json_t *hosts(struct text list)
{
	json_t *array = json_array();
	struct text one;

	while (text_list_next(&list, &one)) {
		char *name = mem_strn(one.p, one.n);

		json_array_append_new(array, json_clean(name));
		free(name);
	}
	return array;
}

static json_t *setting(const struct manner *m, const char *name)
{
	struct buf value;
	json_t *text;

	buf_init(&value, SIZE_MAX);
	manner_print(m, name, &value);
	text = json_clean(buf_text(&value));
	buf_free(&value);
	return text;
}

/* What would be said and shown on a connection, as far as the configuration knows. */
static void add_policy(json_t *o, const struct manner *m)
{
	static const char *const levels[] = {
		[TLS_NONE] = "none", [TLS_MAY] = "may", [TLS_ENCRYPT] = "encrypt", [TLS_DANE] = "dane",
		[TLS_DANE_ONLY] = "dane-only", [TLS_FINGERPRINT] = "fingerprint", [TLS_VERIFY] = "verify",
		[TLS_SECURE] = "secure",
	};
	const char *missing = manner_tls_missing(m);

	json_object_set_new(o, "tls", json_string(levels[manner_tls_level(m)]));
	json_object_set_new(o, "tls_note", missing ? json_clean(missing) : json_null());
	json_object_set_new(o, "credentials", m->sasl_auth_enable ? setting(m, "sasl_password_maps") : json_null());
}

static void add_way(struct queue *q, json_t *o, const struct route_answer *way)
{
	const struct settings_transport *t = settings_transport(q->settings, way->transport);
	const struct destination *d = destinations_known(q->destinations, way->transport, way->nexthop);

	json_object_set_new(o, "nexthop", json_clean(way->nexthop));
	json_object_set_new(o, "hosts", hosts(text_of(way->nexthop)));
	json_object_set_new(o, "protocol", json_string(protocol_name(t->manner->protocol)));
	json_object_set_new(o, "flags", json_clean(t->flags));
	add_policy(o, t->manner);
	json_object_set_new(o, "destination", d ? destination_json(d) : json_null());
}

json_t *queue_explain(struct queue *q, const char *address, const char **why)
{
	struct text local, domain;
	struct route_answer way;
	json_t *o;
	char *full;

	if (!address_check(text_of(address), why))
		return NULL;
	address_split(text_of(address), &local, &domain);
	full = domain.n ? mem_str(address) : mem_fmt("%s@%s", address, q->settings->myorigin);
	route_find(q->route, full, &way);
	o = json_object();
	json_object_set_new(o, "address", json_clean(full));
	json_object_set_new(o, "rule", json_string(way.rule));
	json_object_set_new(o, "transport", json_clean(way.transport));
	json_object_set_new(o, "deliverable", json_boolean(way.found));
	if (way.found) {
		add_way(q, o, &way);
	} else {
		json_object_set_new(o, "dsn", json_string(way.dsn));
		json_object_set_new(o, "text", json_clean(way.text));
	}
	free(full);
	return o;
}
