#include "daemon/supervise/listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

enum { BACKLOG = 64 };

static int fail(char **why, int fd, const char *where, const char *what)
{
	*why = mem_fmt("%s: %s", where, what);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool is_alive(const struct sockaddr_un *address, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return alive;
}

/* Only a socket is removed, whatever else the path may name by mistake. */
static void remove_remains(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

static int listen_at(const char *path, int type, mode_t mode, char **why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;
	mode_t mask;
	bool bound;

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(why, -1, path, "is too long for the name of a socket");
	strcpy(address.sun_path, path);
	if (is_alive(&address, type))
		return fail(why, -1, path, "another process answers on this socket");
	fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(why, fd, path, strerror(errno));
	remove_remains(path);
	mask = umask(~mode & 0777);
	bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	umask(mask);
	if (!bound || listen(fd, BACKLOG) != 0)
		return fail(why, fd, path, strerror(errno));
	return fd;
}

int listener_control(const char *path, char **why)
{
	return listen_at(path, SOCK_STREAM, 0660, why);
}

/* --- for producers --- */

static char *drop_path(const char *spool)
{
	return mem_fmt("%s/drop/socket", spool);
}

int listener_drop(const char *spool, char **why)
{
	char *path = drop_path(spool);
	int fd = listen_at(path, SOCK_SEQPACKET, 0666, why);

	free(path);
	return fd;
}

void listener_drop_remove(const char *spool)
{
	char *path = drop_path(spool);

	remove_remains(path);
	free(path);
}

/* --- for metrics --- */

static int fail_http(char **why, int fd, const char *where)
{
	char *what = mem_fmt("nobody can be answered at %s: %s", where, strerror(errno));

	fail(why, fd, "control.http", what);
	free(what);
	return -1;
}

static int bind_to(const struct addrinfo *a, const char *where, char **why)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return fail_http(why, fd, where);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		return fail_http(why, fd, where);
	return fd;
}

int listener_http(const char *where, char **why)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM },
		*found = NULL;
	const char *colon = strrchr(where, ':');
	bool brackets = *where == '[';
	char *host;
	int fd, rc;

	host = mem_strn(where + brackets, (size_t)(colon - where) - 2 * brackets);
	rc = getaddrinfo(host, colon + 1, &hints, &found);
	free(host);
	if (rc != 0)
		return fail(why, -1, where, gai_strerror(rc));
	fd = bind_to(found, where, why);
	freeaddrinfo(found);
	return fd;
}
