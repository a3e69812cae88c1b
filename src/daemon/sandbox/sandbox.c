#include "daemon/sandbox/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/sandbox/sandbox_landlock.h"
#include "daemon/sandbox/sandbox_seccomp.h"
#include "spool/journal/clocks.h"

/* Two lists of paths that own their strings. */
struct paths {
	char **readable, **writable;
	size_t readable_count, writable_count;
};

static void add(char ***list, size_t *count, char *path)
{
	*list = mem_grow(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = path;
}

static void add_readable(struct paths *p, const char *path)
{
	if (*path)
		add(&p->readable, &p->readable_count, mem_str(path));
}

static void add_writable(struct paths *p, const char *path)
{
	if (*path)
		add(&p->writable, &p->writable_count, mem_str(path));
}

static void paths_free(struct paths *p)
{
	for (size_t i = 0; i < p->readable_count; i++)
		free(p->readable[i]);
	for (size_t i = 0; i < p->writable_count; i++)
		free(p->writable[i]);
	free(p->readable);
	free(p->writable);
}

/* A file is replaced by renaming a new one into place, so that its directory is what must be reached. */
static void add_directory_of(struct paths *p, struct text file)
{
	char *path, *slash;

	if (!file.n || *file.p != '/')
		return;
	path = mem_strn(file.p, file.n);
	slash = strrchr(path, '/');
	slash[slash == path] = '\0';
	add(&p->readable, &p->readable_count, path);
}

static void add_tables(struct paths *p, const char *list)
{
	struct text rest = text_of(list), table, type;

	while (text_list_next(&rest, &table))
		if (text_until(&table, ':', &type) && !text_is(type, "static"))
			add_directory_of(p, table);
}

static bool is_inside(const char *path, struct text directory)
{
	return strncmp(path, directory.p, directory.n) == 0
		&& (path[directory.n] == '/' || path[directory.n] == '\0');
}

/* The same of a file that may stand anywhere: a directory with the spool in it is not opened for its sake. */
static void add_surroundings_of(struct paths *p, struct text file, const char *spool)
{
	const char *slash = file.n && *file.p == '/' ? memrchr(file.p, '/', file.n) : NULL;

	if (slash && is_inside(spool, text_make(file.p, (size_t)(slash - file.p))))
		add(&p->readable, &p->readable_count, mem_strn(file.p, file.n));
	else
		add_directory_of(p, file);
}

/* What a mechanism with Kerberos reads: its configuration, and tickets and keys where its own variables say
 * that they are ("/file", "FILE:/file", "/file:/file"). */
static void add_kerberos(struct paths *p, const char *spool)
{
	static const char *const variables[] = { "KRB5_CONFIG", "KRB5CCNAME", "KRB5_CLIENT_KTNAME" };

	add_readable(p, "/etc/krb5.conf");
	add_readable(p, "/etc/krb5.conf.d");
	add_readable(p, "/etc/gss");
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		struct text rest = text_of(getenv(variables[i])), piece;

		while (text_until(&rest, ':', &piece))
			add_surroundings_of(p, piece, spool);
		add_surroundings_of(p, rest, spool);
	}
}

static void queue_paths(const struct settings *s, struct paths *p)
{
	add_writable(p, s->spool_directory);
	for (size_t i = 0; i < s->pickup_count; i++) {
		add_writable(p, s->pickups[i].path);
		add_writable(p, s->pickups[i].bad);
	}
	add_tables(p, s->mailbox_domains);
	add_tables(p, s->transport_maps);
	add_tables(p, s->default_delivery_status_filter);
	for (size_t i = 0; i < s->transport_count; i++)
		add_tables(p, s->transports[i].manner->delivery_status_filter);
	/* the journal's times are good for this boot only */
	add_readable(p, CLOCKS_BOOT_ID_FILE);
}

static bool logs_in(const struct settings *s)
{
	for (size_t i = 0; i < s->transport_count; i++)
		if (s->transports[i].manner->sasl_auth_enable)
			return true;
	return false;
}

/* Libraries load plug-ins, certificates and time zones late; nothing here is Causeway's or its users'. */
static void courier_paths(const struct settings *s, struct paths *p)
{
	static const char *const system[] = {
		"/usr/lib", "/lib", "/etc/ssl", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
		"/usr/share/dns", "/usr/share/zoneinfo", "/etc/localtime",
		"/etc/resolv.conf",
		"/etc/nsswitch.conf", "/etc/services", "/dev/urandom",
	};

	for (size_t i = 0; i < sizeof(system) / sizeof(*system); i++)
		add_readable(p, system[i]);
	/* certificates of authorities are read when they are needed, and trust anchors stand beside the tables
	 * that name them */
	for (size_t i = 0; i < s->transport_count; i++) {
		add_readable(p, s->transports[i].manner->tls_capath);
		add_tables(p, s->transports[i].manner->tls_policy_maps);
	}
	if (logs_in(s))
		add_kerberos(p, s->spool_directory);
	add_readable(p, s->resolver_hosts_file);
	add_readable(p, s->sasl_secret_directory);
	add_readable(p, s->resolver_trust_anchor_file);
}

void sandbox_queue_paths(const struct settings *s, struct buf *out)
{
	struct paths p = { NULL, NULL, 0, 0 };

	queue_paths(s, &p);
	for (size_t i = 0; i < p.writable_count; i++)
		buf_fmt(out, "%s\n", p.writable[i]);
	for (size_t i = 0; i < p.readable_count; i++)
		buf_fmt(out, "%s\n", p.readable[i]);
	paths_free(&p);
}

static const char *enter_landlock(enum sandbox_role role, const struct settings *s, int abi)
{
	struct paths p = { NULL, NULL, 0, 0 };
	struct landlock_rules rules = { .connect = role == SANDBOX_COURIER,
		.renames = role == SANDBOX_QUEUE };
	const char *why;

	if (role == SANDBOX_QUEUE)
		queue_paths(s, &p);
	else
		courier_paths(s, &p);
	rules.readable = (const char **)p.readable;
	rules.writable = (const char **)p.writable;
	rules.readable_count = p.readable_count;
	rules.writable_count = p.writable_count;
	why = landlock_enter(abi, &rules);
	paths_free(&p);
	return why;
}

bool sandbox_enter(enum sandbox_role role, const struct settings *s, char **state)
{
	const char *landlock, *seccomp;
	char *files, *calls;
	int abi = landlock_abi();

	if (s->sandbox == SANDBOX_OFF) {
		*state = mem_str("off");
		return true;
	}
	tzset();
	landlock = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? enter_landlock(role, s, abi) : strerror(errno);
	seccomp = role == SANDBOX_QUEUE ? seccomp_enter_queue() : seccomp_enter_courier(logs_in(s));
	files = landlock ? mem_fmt("no landlock (%s)", landlock) : mem_fmt("landlock %d", abi);
	calls = seccomp ? mem_fmt("no seccomp (%s)", seccomp) : mem_str("seccomp");
	*state = mem_fmt("%s, %s", files, calls);
	free(files);
	free(calls);
	return s->sandbox != SANDBOX_REQUIRE || (!landlock && !seccomp);
}
