/*
 * lmdb:FILE, what postmap(1) makes of a texthash file: the database FILE.lmdb (lmdb_table(5)). postmap
 * writes a new table into the same file, which the next question sees; so does it see a file that was
 * renamed to its name, as far as the process may still open files there.
 */
#include "table/type.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

enum { VALUE_MAX = 64 * 1024 };

struct database {
	const char *name;
	char *path;
	MDB_env *env;
	off_t size;                  /* the most that the file ever had: databases do not shrink */
	struct buf value, why;
	bool lost;                   /* the log was told that a new file cannot be had */
};

/* Without LMDB's own locks: the process may write nowhere, and a question is over before the pages that it
 * reads can be written twice. */
static MDB_env *open_env(const char *path, int *error)
{
	MDB_env *env = NULL;

	*error = mdb_env_create(&env);
	if (*error == 0)
		*error = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0600);
	if (*error == 0)
		return env;
	mdb_env_close(env);
	return NULL;
}

/* Postfix says so as well: whoever edits the text file and forgets postmap wonders why nothing changes. */
static void warn_if_older(const struct database *d)
{
	struct stat text, table;

	if (stat(d->name, &text) == 0 && stat(d->path, &table) == 0 && text.st_mtime > table.st_mtime)
		log_line(LOG_LEVEL_WARNING, NULL, NULL,
			"lmdb:%s: the database %s is older than the file %s: run postmap lmdb:%s",
			d->name, d->path, d->name, d->name);
}

static void lmdb_close(void *opened)
{
	struct database *d = opened;

	mdb_env_close(d->env);
	buf_free(&d->value);
	buf_free(&d->why);
	free(d->path);
	free((char *)d->name);
	free(d);
}

static void *lmdb_open(const char *name, unsigned flags, char **why)
{
	struct database *d = mem_alloc(sizeof *d);
	int error;

	(void)flags;
	d->name = mem_str(name);
	d->path = mem_fmt("%s.lmdb", name);
	buf_init(&d->value, VALUE_MAX);
	buf_init(&d->why, 256 + VALUE_MAX);
	d->env = open_env(d->path, &error);
	if (d->env) {
		warn_if_older(d);
		return d;
	}
	*why = mem_fmt("cannot open %s: %s", d->path, mdb_strerror(error));
	lmdb_close(d);
	return NULL;
}

static bool fail(struct database *d, const char *what, const char **why)
{
	buf_clear(&d->why);
	buf_fmt(&d->why, "lmdb:%s: %s", d->name, what);
	*why = buf_text(&d->why);
	return false;
}

/* The file has another name or none: the one that has its name now takes its place, or the old one stays. */
static void take_new(struct database *d)
{
	int error;
	MDB_env *env = open_env(d->path, &error);

	if (env) {
		mdb_env_close(d->env);
		d->env = env;
		d->size = 0;
		d->lost = false;
	} else if (!d->lost) {
		d->lost = true;
		log_line(LOG_LEVEL_WARNING, NULL, NULL,
			"lmdb:%s: %s was replaced or removed, and cannot be opened again (%s): "
			"the old table stays in force until a reload", d->name, d->path, mdb_strerror(error));
	}
}

/* What was cut off would be read as a fault of the processor. */
static bool is_whole(struct database *d, const char **why)
{
	mdb_filehandle_t fd;
	struct stat is;

	if (mdb_env_get_fd(d->env, &fd) != 0 || fstat(fd, &is) < 0)
		return fail(d, strerror(errno), why);
	if (is.st_nlink == 0) {
		take_new(d);
		if (mdb_env_get_fd(d->env, &fd) != 0 || fstat(fd, &is) < 0)
			return fail(d, strerror(errno), why);
	}
	if (is.st_size < d->size)
		return fail(d, "the file was cut off", why);
	d->size = is.st_size;
	return true;
}

/* The database may have outgrown what is mapped. */
static int begin(struct database *d, MDB_txn **t)
{
	int error = mdb_txn_begin(d->env, NULL, MDB_RDONLY, t);

	if (error != MDB_MAP_RESIZED)
		return error;
	error = mdb_env_set_mapsize(d->env, 0);
	return error ? error : mdb_txn_begin(d->env, NULL, MDB_RDONLY, t);
}

static void keep(struct database *d, const MDB_val *found)
{
	struct text value = text_make(found->mv_data, found->mv_size);

	if (value.n && value.p[value.n - 1] == '\0')
		value.n--;
	buf_clear(&d->value);
	buf_add(&d->value, value.p, value.n);
}

/* postmap writes keys and values with their NUL; others may not. */
static int look_up(struct database *d, MDB_txn *t, const char *key, size_t n)
{
	MDB_val wanted = { n + 1, (void *)key }, found;
	MDB_dbi dbi;
	int error = mdb_dbi_open(t, NULL, 0, &dbi);

	if (error)
		return error;
	error = mdb_get(t, dbi, &wanted, &found);
	wanted.mv_size = n;
	if (error == MDB_NOTFOUND)
		error = mdb_get(t, dbi, &wanted, &found);
	if (error == 0)
		keep(d, &found);
	return error;
}

static const char *lmdb_get(void *opened, const char *key, size_t n, const char **why)
{
	struct database *d = opened;
	MDB_txn *t;
	int error;

	if (n == 0 || !is_whole(d, why))
		return NULL;
	error = begin(d, &t);
	if (error == 0) {
		error = look_up(d, t, key, n);
		mdb_txn_abort(t);
	}
	if (error == 0 && d->value.over)
		fail(d, "a value is too long", why);
	else if (error == 0)
		return buf_text(&d->value);
	else if (error != MDB_NOTFOUND && error != MDB_BAD_VALSIZE)
		fail(d, mdb_strerror(error), why);
	return NULL;
}

const struct table_type table_lmdb = { "lmdb", true, lmdb_open, lmdb_get, lmdb_close, NULL };
