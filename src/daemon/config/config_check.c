#include "daemon/config/config_check.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "courier/hosts/dnssec_probe.h"
#include "courier/hosts/ports.h"
#include "courier/session/debug_peers.h"
#include "courier/transport.h"
#include "daemon/config/config_files.h"
#include "daemon/config/config_routes.h"
#include "daemon/config/config_trial.h"
#include "daemon/config/config_words.h"
#include "format/address/domain.h"
#include "queue/destination/window.h"
#include "table/table.h"
#include "talk/transport_flags.h"

/* Where a check writes its finding. */
struct checking {
	const struct settings *settings;
	struct config_fault *fault;
	struct buf *passed_over;
};

static bool fail(struct checking *c, const char *path, char *what)
{
	c->fault->path = mem_str(path);
	c->fault->what = what;
	return false;
}

static bool fail_with(struct checking *c, const char *path, const char *what)
{
	return fail(c, path, mem_str(what));
}

/* RFC 5424 6.2.1, with the names that syslog.conf uses. */
int config_facility(const char *name)
{
	static const char *const names[] = {
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
		"authpriv", "ftp",
		"", "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
		"local7",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (*name && strcmp(names[i], name) == 0)
			return (int)i << 3;
	return -1;
}

static bool is_address(const char *text, size_t n)
{
	unsigned char address[sizeof(struct in6_addr)];
	char *copy = mem_strn(text, n);
	bool good = inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1;

	free(copy);
	return good;
}

static bool is_port(struct text text)
{
	uint64_t port;

	return text_number(&text, 65535, &port) && text.n == 0 && port > 0;
}

static bool check_host(struct checking *c)
{
	const char *name = c->settings->myhostname;

	if (!*name || strpbrk(name, " \t<>()@") || strlen(name) > 255)
		return fail_with(c, "myhostname", "not a host name");
	if (strpbrk(c->settings->myorigin, " \t<>()@"))
		return fail_with(c, "myorigin", "not a domain");
	return true;
}

/* Only root can become somebody else, so only then it matters. */
static bool check_user(struct checking *c)
{
	if (geteuid() != 0 || getpwnam(c->settings->user))
		return true;
	return fail(c, "user", mem_fmt("there is no user '%s' on this host", c->settings->user));
}

static bool check_paths(struct checking *c)
{
	const struct settings *s = c->settings;

	if (*s->spool_directory != '/')
		return fail_with(c, "spool_directory", "not a path that begins with /");
	if (*s->control_socket != '/')
		return fail_with(c, "control.socket", "not a path that begins with /");
	if (strlen(s->control_socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return fail_with(c, "control.socket",
			"longer than the 107 bytes that a socket's name may have");
	return true;
}

/* The first part of a line's tag, NAME/PROCESS[PID]; with a slash in it for another instance
 * ("postfix/out"). */
static bool is_log_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= 64 && *name != '/' && name[n - 1] != '/' && !strpbrk(name, " \t[]:");
}

static bool check_log(struct checking *c)
{
	const char *to = c->settings->log_to;

	if (strcmp(to, "syslog") != 0 && strcmp(to, "stderr") != 0 && strncmp(to, "file:/", 6) != 0)
		return fail_with(c, "log.to", "not syslog, stderr, or file:/PATH");
	if (config_facility(c->settings->log_facility) < 0)
		return fail_with(c, "log.facility", "no such syslog facility");
	if (!is_log_name(c->settings->log_name))
		return fail_with(c, "log.name",
			"must be one word without [ ] : and / at its ends, of at most 64 bytes");
	return true;
}

static bool check_http(struct checking *c)
{
	const char *http = c->settings->control_http, *colon = strrchr(http, ':');
	size_t n = colon ? (size_t)(colon - http) : 0;

	if (!*http)
		return true;
	if (n >= 2 && http[0] == '[' && http[n - 1] == ']') {
		if (is_address(http + 1, n - 2) && is_port(text_of(colon + 1)))
			return true;
	} else if (n && is_address(http, n) && is_port(text_of(colon + 1))) {
		return true;
	}
	return fail_with(c, "control.http", "not addr:port with a numeric address");
}

static bool check_servers(struct checking *c)
{
	struct text rest = text_of(c->settings->resolver_servers), server, address;

	while (text_list_next(&rest, &server)) {
		if (text_until(&server, '@', &address) ? !is_port(server) : (address = server, false))
			return fail_with(c, "resolver.servers", "a port is a number from 1 to 65535");
		if (!is_address(address.p, address.n))
			return fail_with(c, "resolver.servers",
				"not a list of addr or addr@port with numeric addresses");
	}
	return true;
}

static bool check_socket(struct checking *c, const char *path, struct text socket)
{
	const char *why = domain_socket_complaint(socket);

	return !why || fail_with(c, path, why);
}

/* A service stands for a port, or is looked for in the DNS. */
static bool is_service(const struct settings *s, const char *name)
{
	uint16_t port;

	return !*name || text_list_has(s->use_srv_lookup, name) || port_find(s->known_tcp_ports, name, &port);
}

static bool check_hosts(struct checking *c, const char *path, struct text list)
{
	struct domain_nexthop parsed;
	struct text element;

	while (text_list_next(&list, &element)) {
		const char *why = NULL;

		if (domain_nexthop(element, &parsed, &why) && !is_service(c->settings, parsed.service))
			why = "no such port or service";
		if (why)
			return fail(c, path, mem_fmt("bad nexthop '%.*s': %s", (int)element.n, element.p, why));
	}
	return true;
}

/* "unix:" means something to LMTP only. */
static bool check_nexthop(struct checking *c, const char *path, const struct settings_transport *t,
	struct text nexthop)
{
	if (!t->manner)
		return true;
	if (t->manner->protocol == PROTOCOL_LMTP && domain_lmtp(&nexthop) == DOMAIN_LMTP_SOCKET)
		return check_socket(c, path, nexthop);
	return check_hosts(c, path, nexthop);
}

/* transport:nexthop, of which the transport must exist. */
static bool check_route(struct checking *c, const char *path, const char *route)
{
	struct text rest = text_of(route), name;
	const struct settings_transport *transport;
	char *copy;

	if (!text_until(&rest, ':', &name)) {
		name = rest;
		rest = text_of("");
	}
	copy = mem_strn(name.p, name.n);
	transport = settings_transport(c->settings, copy);
	if (!transport)
		fail(c, path, settings_no_transport(c->settings, copy));
	free(copy);
	return transport && check_nexthop(c, path, transport, rest);
}

/* Takes the list that was opened, and closes it, or the reason why it was not. */
static bool check_tables(struct checking *c, const char *path, struct table_list *tables, char *why)
{
	if (!tables)
		return fail(c, path, why);
	table_list_free(tables);
	return true;
}

static bool check_debug_peers(struct checking *c)
{
	char *why = NULL;
	struct debug_peers *peers = debug_peers_new(c->settings, &why);

	if (!peers)
		return fail(c, "debug_peer_list", why);
	debug_peers_free(peers);
	return true;
}

static bool check_lists(struct checking *c)
{
	const struct settings *s = c->settings;
	char *why = NULL;
	struct table_list *tables = table_list_open(s->mailbox_domains, &why);

	if (!check_tables(c, "mailbox_domains", tables, why))
		return false;
	if (!config_routes_check(s, c->passed_over, &why))
		return fail(c, "transport_maps", why);
	tables = table_list_open_tables(s->default_delivery_status_filter, &why);
	return check_tables(c, "default_delivery_status_filter", tables, why) && check_debug_peers(c);
}

static bool check_routing(struct checking *c)
{
	const struct settings *s = c->settings;

	if (*s->mailbox_domains && !*s->mailbox_transport)
		return fail_with(c, "mailbox_domains", "there is no mailbox_transport for this mail");
	if (*s->mailbox_transport && !check_route(c, "mailbox_transport", s->mailbox_transport))
		return false;
	if (!check_route(c, "default_transport", s->default_transport))
		return false;
	if (*s->best_mx_transport && !check_route(c, "best_mx_transport", s->best_mx_transport))
		return false;
	return check_nexthop(c, "relayhost", settings_transport(s, "smtp"), text_of(s->relayhost))
		&& check_lists(c);
}

static bool check_times(struct checking *c)
{
	if (c->settings->maximal_backoff_time >= c->settings->minimal_backoff_time)
		return true;
	c->fault->other = mem_str("queue.minimal_backoff_time");
	return fail_with(c, "queue.maximal_backoff_time",
		"maximal_backoff_time is less than minimal_backoff_time");
}

static bool check_feedback(struct checking *c, const struct settings_transport *t, const char *name,
	const char *value)
{
	struct feedback ignored;
	char *path;

	if (feedback_read(value, &ignored))
		return true;
	path = settings_transport_path(t, name);
	fail_with(c, path,
		"not a number from 0 to 1, or one divided by a number, concurrency or sqrt_concurrency");
	free(path);
	return false;
}

static bool check_window(struct checking *c, const struct settings_transport *t)
{
	return check_feedback(c, t, "destination_concurrency_positive_feedback",
			t->manner->destination_concurrency_positive_feedback) &&
		check_feedback(c, t, "destination_concurrency_negative_feedback",
			t->manner->destination_concurrency_negative_feedback);
}

/* Relays are hosts, never sockets. */
static bool check_fallback(struct checking *c, const struct settings_transport *t)
{
	char *path = settings_transport_path(t, "fallback_relay");
	bool good = check_hosts(c, path, text_of(t->manner->fallback_relay));

	free(path);
	return good;
}

static bool check_status_filter(struct checking *c, const struct settings_transport *t)
{
	char *path = settings_transport_path(t, "delivery_status_filter"), *why = NULL;
	struct table_list *tables = table_list_open_tables(t->manner->delivery_status_filter, &why);
	bool good = check_tables(c, path, tables, why);

	free(path);
	return good;
}

static bool check_transports(struct checking *c)
{
	for (size_t i = 0; i < c->settings->transport_count; i++) {
		const struct settings_transport *t = &c->settings->transports[i];
		char *flags = mem_fmt("transport.%s.flags", t->name);
		char *nexthop = mem_fmt("transport.%s.nexthop", t->name);
		bool good = check_nexthop(c, nexthop, t, text_of(t->nexthop)) && check_fallback(c, t) &&
			check_window(c, t) && check_status_filter(c, t);

		if (good && strspn(t->flags, TRANSPORT_FLAGS) != strlen(t->flags))
			good = fail_with(c, flags, "flags are letters of " TRANSPORT_FLAGS);
		free(nexthop);
		free(flags);
		if (!good)
			return false;
	}
	return true;
}

/* Tables, passwords, certificates: as couriers open and read them. */
static bool check_tables_of_transports(struct checking *c)
{
	struct transports *t = transports_new(c->settings, true, &c->fault->path, &c->fault->what);

	if (!t)
		return false;
	transports_warnings(t, c->passed_over);
	transports_free(t);
	return true;
}

static bool check_connections(struct checking *c)
{
	const char *complaint;

	if (!port_list_check(c->settings->known_tcp_ports, &complaint))
		return fail_with(c, "known_tcp_ports", complaint);
	if (!dnssec_probe_check(c->settings->dnssec_probe, &complaint))
		return fail_with(c, "dnssec_probe", complaint);
	return check_tables_of_transports(c);
}

static bool check_pickups(struct checking *c)
{
	for (size_t i = 0; i < c->settings->pickup_count; i++) {
		const struct settings_pickup *p = &c->settings->pickups[i];
		char *path = mem_fmt("pickup.%s.bad", p->path);
		bool good = !*p->bad || *p->bad == '/';

		if (!good)
			fail_with(c, path, "not a path that begins with /");
		free(path);
		if (!good)
			return false;
	}
	return true;
}

static bool check_all(const struct settings *s, struct config_fault *fault, struct buf *passed_over)
{
	struct checking c = { .settings = s, .fault = fault, .passed_over = passed_over };

	return check_host(&c) && check_paths(&c) && check_log(&c) && check_http(&c) &&
		check_servers(&c) && config_words_check(s, &fault->path, &fault->what) && check_routing(&c) &&
		check_times(&c) && check_transports(&c) && check_connections(&c) && check_pickups(&c) &&
		config_files_check(s, &fault->path, &fault->what);
}

bool config_check(const struct settings *s, struct config_fault *fault, struct buf *passed_over)
{
	struct checking c = { .settings = s, .fault = fault, .passed_over = passed_over };

	return config_trial(s, check_all, fault, passed_over) && check_user(&c);
}
