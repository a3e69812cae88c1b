#include "daemon/config/config_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Where a check writes its finding. */
struct checking {
	const struct settings *settings;
	char **path, **what;
};

/* Takes over both texts. */
static bool fail(const struct checking *c, char *path, char *what)
{
	*c->path = path;
	*c->what = what;
	return false;
}

static bool check_file(const struct checking *c, const char *option, const char *file)
{
	if (access(file, R_OK) == 0)
		return true;
	return fail(c, mem_str(option), mem_fmt("cannot read '%s': %s", file, strerror(errno)));
}

/* NULL if it is one; what may not be looked at by who reads the configuration is taken for one. */
static const char *not_a_directory(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == EACCES ? NULL : strerror(errno);
	return S_ISDIR(st.st_mode) ? NULL : strerror(ENOTDIR);
}

/* Whether path is the first n bytes of the other, a directory, or below that. */
static bool is_within(const char *path, const char *directory, size_t n)
{
	return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* The spool, and the directory of the control socket: a first start, and one after a reboot that has emptied
 * /run, makes these. */
static bool is_still_to_be_made(const struct settings *s, const char *path)
{
	const char *spool = s->spool_directory, *socket = s->control_socket, *slash = strrchr(socket, '/');

	return access(path, F_OK) != 0 && (is_within(path, spool, strlen(spool)) ||
		(slash && slash > socket && is_within(path, socket, (size_t)(slash - socket))));
}

static bool check_directory(const struct checking *c, const char *option, const char *path)
{
	const char *why = not_a_directory(path);

	return !why || is_still_to_be_made(c->settings, path) ||
		fail(c, mem_str(option), mem_fmt("there is no directory '%s': %s", path, why));
}

/* A file that is made when it is not there needs its directory. */
static bool check_directory_of(const struct checking *c, const char *option, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *directory;
	bool good;

	if (*file != '/' || slash == file)
		return true;
	directory = mem_strn(file, (size_t)(slash - file));
	good = check_directory(c, option, directory);
	free(directory);
	return good;
}

static bool check_openssl(const struct checking *c, const char *file)
{
	if (strcmp(file, "default") == 0 || strcmp(file, "none") == 0)
		return true;
	if (*file != '/')
		return fail(c, mem_str("tls_config_file"),
			mem_str("not default, none, or a path that begins with /"));
	return check_file(c, "tls_config_file", file);
}

/* Hosts that have no such file are none of our business. */
static bool check_hosts_file(const struct checking *c, const char *file)
{
	return strcmp(file, SETTINGS_HOSTS_FILE) == 0 || check_file(c, "resolver.hosts_file", file);
}

static bool check_log(const struct checking *c, const char *to)
{
	return strncmp(to, "file:", 5) != 0 || check_directory_of(c, "log.to", to + 5);
}

static bool check_pickup(const struct checking *c, const struct settings_pickup *p)
{
	char *section = mem_fmt("pickup.%s.", p->path), *bad = mem_fmt("%sbad", section);
	bool good = check_directory(c, section, p->path) && (!*p->bad || check_directory(c, bad, p->bad));

	free(section);
	free(bad);
	return good;
}

bool config_files_check(const struct settings *s, char **path, char **what)
{
	const struct checking c = { s, path, what };
	bool good = check_openssl(&c, s->tls.config_file) && check_hosts_file(&c, s->resolver_hosts_file) &&
		(!*s->resolver_trust_anchor_file ||
			check_file(&c, "resolver.trust_anchor_file", s->resolver_trust_anchor_file)) &&
		check_log(&c, s->log_to) && check_directory_of(&c, "events.file", s->events_file);

	for (size_t i = 0; good && i < s->pickup_count; i++)
		good = check_pickup(&c, &s->pickups[i]);
	return good;
}
