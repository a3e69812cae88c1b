#include "base/buf.h"
#include "base/text.h"
#include "tool/ctl_print.h"

static void put_line(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%-12s ", name);
	ctl_put(out, value, 0);
	fputc('\n', out);
}

enum { LINE_MAX_BYTES = 4096 };

static void add_login(struct buf *line, const json_t *host)
{
	if (*ctl_text(host, "login"))
		buf_fmt(line, ", login by the entry for %s", ctl_text(host, "login"));
	if (json_is_true(json_object_get(host, "login_withheld")))
		buf_str(line, ", no login: there is an entry for this name, but DNSSEC does not vouch for it");
	if (*ctl_text(host, "login_failure"))
		buf_fmt(line, ", no login: %s", ctl_text(host, "login_failure"));
}

static void add_tls(struct buf *line, const json_t *host)
{
	if (*ctl_text(host, "tls_failure"))
		buf_fmt(line, ", may not be used: %s", ctl_text(host, "tls_failure"));
	if (*ctl_text(host, "tls"))
		buf_fmt(line, ", TLS %s by %s", ctl_text(host, "tls"), ctl_text(host, "tls_from"));
	if (*ctl_text(host, "tls_names"))
		buf_fmt(line, " for %s", ctl_text(host, "tls_names"));
	if (*ctl_text(host, "requiretls"))
		buf_fmt(line, ", REQUIRETLS: %s", ctl_text(host, "requiretls"));
	if (*ctl_text(host, "requiretls_failure"))
		buf_fmt(line, " (%s)", ctl_text(host, "requiretls_failure"));
}

/* "10 mx.example.org[192.0.2.1]:25 (insecure; …)": what is worth knowing of a host in one line. */
static void put_host(FILE *out, const char *name, const json_t *host)
{
	const json_t *preference = json_object_get(host, "preference"),
		*dead = json_object_get(host, "dead_since");
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	if (json_is_integer(preference))
		buf_fmt(&line, "%lld ", (long long)json_integer_value(preference));
	buf_fmt(&line, "%s[%s]", ctl_text(host, "name"), ctl_text(host, "address"));
	if (json_integer_value(json_object_get(host, "port")))
		buf_fmt(&line, ":%lld", (long long)json_integer_value(json_object_get(host, "port")));
	if (*ctl_text(host, "alias_of"))
		buf_fmt(&line, ", alias of %s", ctl_text(host, "alias_of"));
	if (*ctl_text(host, "mx_dnssec"))
		buf_fmt(&line, ", MX %s", ctl_text(host, "mx_dnssec"));
	buf_fmt(&line, ", address %s", ctl_text(host, "address_dnssec"));
	if (*ctl_text(host, "from"))
		buf_fmt(&line, ", from %s", ctl_text(host, "from"));
	add_tls(&line, host);
	if (json_is_integer(dead))
		buf_fmt(&line, ", did not answer %lld s ago: behind the others", (long long)json_integer_value(dead));
	add_login(&line, host);
	put_line(out, name, buf_text(&line));
	buf_free(&line);
}

static void put_hosts(FILE *out, const json_t *hosts)
{
	const json_t *host;
	size_t i;

	json_array_foreach(hosts, i, host)
		put_host(out, i ? "" : "hosts", host);
}

static void put_left_out(FILE *out, const json_t *list)
{
	const json_t *one;
	struct buf line;
	size_t i;

	buf_init(&line, LINE_MAX_BYTES);
	json_array_foreach(list, i, one) {
		const char *address = ctl_text(one, "address");

		buf_clear(&line);
		buf_fmt(&line, *address ? "%s[%s]: %s" : "%s%s: %s", ctl_text(one, "host"), address,
			ctl_text(one, "why"));
		put_line(out, i ? "" : "left out", buf_text(&line));
	}
	buf_free(&line);
}

static void put_lookups(FILE *out, const json_t *list)
{
	const json_t *one, *record;
	struct buf line;
	size_t i, k;

	buf_init(&line, LINE_MAX_BYTES);
	json_array_foreach(list, i, one) {
		buf_clear(&line);
		buf_fmt(&line, "%s %s: %s (%s)", ctl_text(one, "type"), ctl_text(one, "name"),
			ctl_text(one, "result"), ctl_text(one, "dnssec"));
		put_line(out, i ? "" : "looked up", buf_text(&line));
		json_array_foreach(json_object_get(one, "records"), k, record)
			put_line(out, "", json_string_value(record));
	}
	buf_free(&line);
}

static void put_failure(FILE *out, const json_t *failure)
{
	if (!json_is_object(failure))
		return;
	put_line(out, "no host", ctl_text(failure, "text"));
	if (*ctl_text(failure, "dsn"))
		put_line(out, "", ctl_text(failure, "dsn"));
}

static void put_notes(FILE *out, const json_t *notes)
{
	const json_t *line;
	size_t i;

	json_array_foreach(notes, i, line)
		put_line(out, i ? "" : "notes", json_string_value(line));
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
	const char *credentials = ctl_text(way, "credentials");

	put_line(out, "nexthop", ctl_text(way, "nexthop"));
	put_hosts(out, json_object_get(way, "hosts"));
	put_failure(out, json_object_get(way, "failure"));
	put_left_out(out, json_object_get(way, "left_out"));
	put_lookups(out, json_object_get(way, "lookups"));
	put_notes(out, json_object_get(way, "notes"));
	put_line(out, "protocol", ctl_text(way, "protocol"));
	put_line(out, "TLS", ctl_text(way, "tls"));
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
