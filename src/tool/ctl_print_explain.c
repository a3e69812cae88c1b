#include "base/text.h"
#include "tool/ctl_print.h"

static void put_line(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%-12s ", name);
	ctl_put(out, value, 0);
	fputc('\n', out);
}

static void put_hosts(FILE *out, const json_t *hosts)
{
	const json_t *host;
	size_t i;

	json_array_foreach(hosts, i, host)
		put_line(out, i ? "" : "hosts", json_string_value(host));
}

static void put_state(FILE *out, const json_t *destination)
{
	if (!json_is_object(destination)) {
		put_line(out, "state", "no mail went there lately");
		return;
	}
	fputs("\n", out);
	ctl_print_destination(out, destination);
}

static void put_way(FILE *out, const json_t *way)
{
	const char *credentials = ctl_text(way, "credentials"), *note = ctl_text(way, "tls_note");

	put_line(out, "nexthop", ctl_text(way, "nexthop"));
	put_hosts(out, json_object_get(way, "hosts"));
	put_line(out, "protocol", ctl_text(way, "protocol"));
	put_line(out, "TLS", ctl_text(way, "tls"));
	if (*note)
		put_line(out, "", note);
	put_line(out, "credentials", *credentials ? credentials : "none");
	if (*ctl_text(way, "flags"))
		put_line(out, "flags", ctl_text(way, "flags"));
	put_state(out, json_object_get(way, "destination"));
}

void ctl_print_explain(FILE *out, const json_t *way)
{
	put_line(out, "address", ctl_text(way, "address"));
	put_line(out, "decided by", ctl_text(way, "rule"));
	put_line(out, "transport", ctl_text(way, "transport"));
	if (json_is_true(json_object_get(way, "deliverable"))) {
		put_way(out, way);
		return;
	}
	put_line(out, "mail waits", ctl_text(way, "dsn"));
	put_line(out, "", ctl_text(way, "text"));
}
