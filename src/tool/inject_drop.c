#include "tool/inject_drop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { MODE = 0640, CHUNK = 256 * 1024 };

struct inject_drop {
	int fd;
	char *tmp, *new;      /* paths in drop/tmp and drop/new */
	off_t size;
};

/* What the signal handler removes: only what is static can be reached there. */
static const char *volatile unfinished;

static void remove_unfinished(int number)
{
	if (unfinished)
		unlink(unfinished);
	raise(number);
}

static void watch_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction old, action = { .sa_handler = remove_unfinished, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	/* a limit on file sizes is told like a full disk */
	signal(SIGXFSZ, SIG_IGN);
}

static bool fail(char **why, const char *path, const char *what)
{
	*why = mem_fmt("%s: %s: %s", path, what, strerror(errno));
	return false;
}

static void make_names(struct inject_drop *d, const char *spool)
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort();
	d->tmp = mem_fmt("%s/drop/tmp/%016" PRIx64 "%016" PRIx64, spool, random[0], random[1]);
	d->new = mem_fmt("%s/drop/new/%016" PRIx64 "%016" PRIx64, spool, random[0], random[1]);
}

static const char *advice(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return " (has causewayd been started here, and is spool_directory right?)";
	return error == EACCES ? " (this user may not reach the spool)" : "";
}

struct inject_drop *inject_drop_new(const char *spool, char **why)
{
	struct inject_drop *d = mem_alloc(sizeof(*d));

	make_names(d, spool);
	watch_signals();
	d->fd = open(d->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE);
	if (d->fd >= 0) {
		unfinished = d->tmp;
		/* whatever the umask is: the daemon reads the file as a member of its group */
		if (fchmod(d->fd, MODE) == 0)
			return d;
	}
	*why = mem_fmt("%s/drop/tmp: no file can be made there: %s%s; nothing was handed over", spool,
		strerror(errno), advice(errno));
	inject_drop_free(d);
	return NULL;
}

void inject_drop_free(struct inject_drop *d)
{
	if (!d)
		return;
	if (unfinished)
		unlink(unfinished);
	unfinished = NULL;
	if (d->fd >= 0)
		close(d->fd);
	free(d->tmp);
	free(d->new);
	free(d);
}

static bool write_at(struct inject_drop *d, struct text t, off_t at, char **why)
{
	while (t.n > 0) {
		ssize_t n = pwrite(d->fd, t.p, t.n, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(why, d->tmp, "cannot be written");
		t = text_make(t.p + n, t.n - (size_t)n);
		at += n;
	}
	return true;
}

bool inject_drop_write(struct inject_drop *d, struct text t, char **why)
{
	if (!write_at(d, t, d->size, why))
		return false;
	d->size += (off_t)t.n;
	return true;
}

static bool read_at(struct inject_drop *d, char *bytes, size_t n, off_t at, char **why)
{
	while (n > 0) {
		ssize_t got = pread(d->fd, bytes, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return fail(why, d->tmp, "cannot be read back");
		bytes += got;
		n -= (size_t)got;
		at += got;
	}
	return true;
}

/* Moves what stands at from and behind it by some bytes to the right, last part first. */
static bool move_tail(struct inject_drop *d, off_t from, off_t by, char **why)
{
	char *chunk = mem_alloc(CHUNK);
	bool good = true;

	for (off_t end = d->size; good && end > from; ) {
		size_t n = end - from < CHUNK ? (size_t)(end - from) : CHUNK;

		end -= (off_t)n;
		good = read_at(d, chunk, n, end, why) && write_at(d, text_make(chunk, n), end + by, why);
	}
	free(chunk);
	d->size += by;
	return good;
}

bool inject_drop_replace_front(struct inject_drop *d, size_t old, struct text front, char **why)
{
	assert(old <= front.n);
	return move_tail(d, (off_t)old, (off_t)(front.n - old), why) && write_at(d, front, 0, why);
}

/* The last sync has failed. Who is told that hands the message over once more, so it is taken back; but what
 * the daemon has taken meanwhile has a name that is synced by the daemon. */
static bool take_back(struct inject_drop *d, char **why)
{
	int error = errno;
	bool is_back = inject_drop_withdraw(d);

	if (!is_back && errno == ENOENT)
		return true;
	errno = error;
	return fail(why, d->new, is_back ? "cannot be synced to the disk, and was taken back"
		: "is handed over, but may be lost in a power cut");
}

bool inject_drop_commit(struct inject_drop *d, char **why)
{
	if (fsync(d->fd) != 0)
		return fail(why, d->tmp, "cannot be synced to the disk");
	if (rename(d->tmp, d->new) != 0)
		return fail(why, d->new, "cannot be renamed to from drop/tmp");
	unfinished = NULL;
	return fsync(d->fd) == 0 || take_back(d, why);
}

const char *inject_drop_name(const struct inject_drop *d)
{
	return strrchr(d->new, '/') + 1;
}

bool inject_drop_withdraw(struct inject_drop *d)
{
	return unlink(d->new) == 0;
}
