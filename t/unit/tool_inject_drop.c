/* The last steps of a hand-over, where syncs fail: the caller never has a message that the daemon has as well.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "tool/inject_drop.h"
#include "unit.h"

static char directory[] = "/tmp/causeway-inject-XXXXXX";
static int failing, syncs;         /* which sync fails, and how many there were */
static bool taken;                 /* the daemon takes the file meanwhile */
static const char *name;

static const char *path_of(const char *below)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", directory, below);
	return path;
}

/* In the place of the C library's. */
int fsync(int fd)
{
	char file[100];

	if (++syncs != failing)
		return (int)syscall(SYS_fsync, fd);
	snprintf(file, sizeof(file), "drop/new/%s", name);
	if (taken)
		ck_assert_int_eq(unlink(path_of(file)), 0);
	errno = EIO;
	return -1;
}

static const struct { int failing; bool taken, good, there; } commits[] = {
	{ 0, false, true, true },
	{ 1, false, false, false },
	{ 2, false, false, false },
	{ 2, true, true, false },
};

START_TEST(test_commit)
{
	static const char *const below[] = { "drop", "drop/tmp", "drop/new" };
	struct inject_drop *d;
	char file[100], *why = NULL;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	for (size_t i = 0; i < UNIT_ROWS(below); i++)
		ck_assert_int_eq(mkdir(path_of(below[i]), 0700), 0);
	d = inject_drop_new(directory, &why);
	ck_assert_ptr_nonnull(d);
	name = inject_drop_name(d);
	snprintf(file, sizeof(file), "drop/new/%s", name);
	failing = commits[_i].failing;
	taken = commits[_i].taken;
	ck_assert(inject_drop_commit(d, &why) == commits[_i].good);
	ck_assert((why == NULL) == commits[_i].good);
	ck_assert((access(path_of(file), F_OK) == 0) == commits[_i].there);
	inject_drop_free(d);
	free(why);
	unlink(path_of(file));
	for (size_t i = UNIT_ROWS(below); i-- > 0;)
		ck_assert_int_eq(rmdir(path_of(below[i])), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "commit", test_commit, UNIT_ROWS(commits), 0 },
	};

	return unit_main("tool/inject_drop", cases, UNIT_ROWS(cases));
}
