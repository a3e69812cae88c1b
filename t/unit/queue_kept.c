/* What is kept for all couriers: until when, how much, over a restart, and what becomes of a file that is
 * damaged. */
#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "queue/couriers/kept.h"

static char directory[] = "/tmp/causeway-kept-XXXXXX";
static struct kept *kept;

static void start(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	kept = kept_new(directory, 1000);
}

static void finish(void)
{
	char *path = mem_fmt("%s/kept", directory);

	kept_free(kept);
	unlink(path);
	rmdir(directory);
	free(path);
}

static void put(const char *name, int64_t end, const char *what)
{
	struct buf value;

	buf_init(&value, 1 << 20);
	buf_add(&value, &end, sizeof end);
	buf_str(&value, what);
	kept_put(kept, name, text_make(value.data, value.len));
	buf_free(&value);
}

static void check(const char *name, int64_t now, const char *what)
{
	ck_assert_msg(text_is(kept_get(kept, name, now), what), "%s at %ld", name, (long)now);
}

static void count_one(void *arg, const char *name, struct text value)
{
	(void)name, (void)value;
	++*(size_t *)arg;
}

/* Of both sorts of names. */
static size_t count(void)
{
	size_t n = 0;

	kept_each(kept, "", 0, count_one, &n);
	kept_each(kept, "all ", 0, count_one, &n);
	return n;
}

START_TEST(test_until_its_end)
{
	start();
	put("a", 2000, "x");
	check("a", 1999, "x");
	check("b", 1999, "");
	check("a", 2000, "");
	check("a", 1999, "");
	ck_assert_uint_eq(count(), 0);
	finish();
}
END_TEST

START_TEST(test_newer_counts)
{
	start();
	put("a", 2000, "x");
	put("a", 3000, "yy");
	check("a", 2500, "yy");
	put("a", 3000, "");
	check("a", 2500, "");
	finish();
}
END_TEST

static void note(void *arg, const char *name, struct text value)
{
	buf_fmt(arg, "%s=%.*s ", name, (int)value.n, value.p);
}

/* Those that begin so and are still good, in the order in which they came. */
START_TEST(test_each)
{
	struct buf seen;

	start();
	buf_init(&seen, 1000);
	put("all b", 3000, "2");
	put("all a", 2000, "1");
	put("all", 3000, "x");
	put("none", 3000, "x");
	put("all c", 3000, "3");
	put("all b", 3000, "4");
	kept_each(kept, "all ", 1999, note, &seen);
	ck_assert_str_eq(buf_text(&seen), "all a=1 all c=3 all b=4 ");
	buf_clear(&seen);
	kept_each(kept, "all ", 2000, note, &seen);
	ck_assert_str_eq(buf_text(&seen), "all c=3 all b=4 ");
	buf_clear(&seen);
	kept_each(kept, "other", 0, note, &seen);
	ck_assert_str_eq(buf_text(&seen), "");
	buf_free(&seen);
	finish();
}
END_TEST

START_TEST(test_bounded)
{
	char name[32], *large = mem_alloc(40000);

	start();
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "n%d", i);
		put(name, 9000, "v");
	}
	ck_assert_uint_eq(count(), 4096);
	check("n0", 1000, "");
	check("n4999", 1000, "v");
	/* what is for all and the rest do not push each other out */
	put("all refused login h u", 9000, "v");
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "m%d", i);
		put(name, 9000, "v");
	}
	check("all refused login h u", 1000, "v");
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "all dead address %d", i);
		put(name, 9000, "v");
	}
	check("m4999", 1000, "v");
	ck_assert_uint_eq(count(), 2 * 4096);
	memset(large, 'x', 39999);
	put("large", 9000, large);
	check("large", 1000, "");
	kept_put(kept, "short", text_of("1234"));
	check("short", 1000, "");
	free(large);
	finish();
}
END_TEST

START_TEST(test_restart)
{
	struct stat st;
	char *path;

	start();
	put("old", 2000, "x");
	put("new", 9000, "secret");
	kept_save(kept);
	kept_free(kept);
	path = mem_fmt("%s/kept", directory);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	kept = kept_new(directory, 3000);
	check("new", 3000, "secret");
	ck_assert_uint_eq(count(), 1);
	put("new", 9000, "");
	kept_save(kept);
	ck_assert_int_ne(stat(path, &st), 0);
	free(path);
	finish();
}
END_TEST

/* The file cut at each length: no more than what is whole. */
START_TEST(test_damaged)
{
	char *path;
	struct stat st;

	start();
	put("a", 9000, "first");
	put("b", 9000, "second");
	kept_save(kept);
	path = mem_fmt("%s/kept", directory);
	ck_assert_int_eq(stat(path, &st), 0);
	for (off_t n = st.st_size - 1; n >= 0; n--) {
		ck_assert_int_eq(truncate(path, n), 0);
		kept_free(kept);
		kept = kept_new(directory, 1000);
		check("b", 1000, "");
		ck_assert_uint_le(count(), 1);
	}
	free(path);
	finish();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "until its end", test_until_its_end, 1, 0 },
		{ "newer counts", test_newer_counts, 1, 0 },
		{ "each", test_each, 1, 0 },
		{ "bounded", test_bounded, 1, 0 },
		{ "restart", test_restart, 1, 0 },
		{ "damaged", test_damaged, 1, 0 },
	};

	return unit_main("queue/kept", cases, UNIT_ROWS(cases));
}
