/* Databases made with the library itself, by the rules of those that postmap(1) makes and by others; what
 * postmap makes of a text file is compared in table_postmap.c. */
#include <fcntl.h>
#include <lmdb.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "table/table.h"
#include "unit.h"

static char dir[] = "/tmp/cw-lmdb-XXXXXX";

struct pair {
	const char *key;
	size_t key_size;
	const char *value;
	size_t value_size;
};

static char *path_of(const char *name)
{
	return mem_fmt("%s/%s.lmdb", dir, name);
}

static void put(MDB_txn *txn, const struct pair *pair)
{
	MDB_val key = { pair->key_size, (void *)pair->key }, value = { pair->value_size, (void *)pair->value };
	MDB_dbi dbi;

	ck_assert_int_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	ck_assert_int_eq(mdb_put(txn, dbi, &key, &value, 0), 0);
}

/* Adds pairs to the database of that name, which comes into being; count 0 empties it. */
static void write_pairs(const char *name, const struct pair *pairs, size_t count)
{
	char *path = path_of(name);
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	ck_assert_int_eq(mdb_env_create(&env), 0);
	mdb_env_set_mapsize(env, 64 << 20);
	ck_assert_int_eq(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0644), 0);
	ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	ck_assert_int_eq(mdb_dbi_open(txn, NULL, MDB_CREATE, &dbi), 0);
	if (count == 0)
		ck_assert_int_eq(mdb_drop(txn, dbi, 0), 0);
	for (size_t i = 0; i < count; i++)
		put(txn, &pairs[i]);
	ck_assert_int_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	free(path);
}

static void write_one(const char *name, const char *key, const char *value)
{
	write_pairs(name, &(struct pair){ key, strlen(key) + 1, value, strlen(value) + 1 }, 1);
}

static struct table *open_table(const char *name)
{
	char *spec = mem_fmt("lmdb:%s/%s", dir, name), *why = NULL;
	struct table *t = table_open(spec, &why);

	ck_assert_msg(t, "%s", why);
	free(spec);
	return t;
}

static void check_value(struct table *t, const char *key, const char *value)
{
	const char *error, *found = table_get(t, key, &error);

	ck_assert_msg(!error, "%s", error);
	ck_assert_msg(value ? found && strcmp(found, value) == 0 : !found, "%s is %s", key,
		found ? found : "unknown");
}

/* The last words of an error of a question that holds the words. */
static void check_error(struct table *t, const char *key, const char *words)
{
	const char *error, *found = table_get(t, key, &error);

	ck_assert_ptr_null(found);
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(strstr(error, words) && strstr(error, "lmdb:"), "%s", error);
}

#define PAIR(key, value) { key, sizeof key - 1, value, sizeof value - 1 }

static const struct pair stored[] = {
	PAIR("a@b.test\0", "with nul\0"), PAIR("bare", "bare"), PAIR("both\0", "with"), PAIR("both", "without"),
	PAIR("upper\0", "Value\0"), PAIR("empty\0", ""), PAIR("one\0", "\0"),
	PAIR("MIXED\0", "not found: keys are folded"),
};

static const struct { const char *key, *value; } questions[] = {
	{ "a@b.test", "with nul" }, { "A@B.Test", "with nul" }, { "bare", "bare" }, { "both", "with" },
	{ "UPPER", "Value" },
	{ "empty", "" }, { "one", "" }, { "mixed", NULL }, { "MIXED", NULL }, { "", NULL }, { "a@b.tes", NULL },
	{ "a@b.test ", NULL }, { "bar", NULL }, { "baree", NULL }, { "*", NULL }, { "\xff", NULL },
};

START_TEST(test_questions)
{
	struct table *t;

	write_pairs("stored", stored, UNIT_ROWS(stored));
	t = open_table("stored");
	check_value(t, questions[_i].key, questions[_i].value);
	table_free(t);
}
END_TEST

START_TEST(test_long_keys_are_in_no_table)
{
	static const size_t sizes[] = { 510, 511, 512, 1000, 1099, 5000 };
	char *key = mem_alloc(sizes[_i] + 1);
	struct table *t;

	memset(key, 'k', sizes[_i]);
	write_one("long", "k", "v");
	t = open_table("long");
	check_value(t, key, NULL);
	free(key);
	table_free(t);
}
END_TEST

START_TEST(test_value_too_long)
{
	char *value = mem_alloc(100001);
	struct table *t;

	memset(value, 'v', 100000);
	write_one("value", "k", value);
	t = open_table("value");
	check_error(t, "k", "a value is too long");
	check_value(t, "l", NULL);
	free(value);
	table_free(t);
}
END_TEST

/* postmap writes into the file that is open, and lets it grow. */
START_TEST(test_rewritten)
{
	struct table *t;
	char key[32];

	write_one("rewritten", "a", "old");
	t = open_table("rewritten");
	check_value(t, "a", "old");
	write_one("rewritten", "a", "new");
	check_value(t, "a", "new");
	for (int i = 0; i < 20; i++) {
		char *value = mem_alloc(60001);

		snprintf(key, sizeof key, "key%d", i);
		memset(value, 'x', 60000);
		write_one("rewritten", key, value);
		check_value(t, key, value);
		free(value);
	}
	write_pairs("rewritten", NULL, 0);
	check_value(t, "a", NULL);
	table_free(t);
}
END_TEST

START_TEST(test_replaced)
{
	char *path = path_of("replaced"), *other = path_of("other");
	struct table *t;

	write_one("replaced", "a", "old");
	t = open_table("replaced");
	check_value(t, "a", "old");
	for (int i = 0; i < 3; i++) {
		write_one("other", "a", i & 1 ? "odd" : "even");
		ck_assert_int_eq(rename(other, path), 0);
		check_value(t, "a", i & 1 ? "odd" : "even");
	}
	table_free(t);
	free(path);
	free(other);
}
END_TEST

/* What was there stays in force as long as nothing new can be opened. */
START_TEST(test_removed)
{
	static const char *const contents[] = { NULL, "", "not a database" };
	char *path = path_of("removed");
	struct table *t;

	write_one("removed", "a", "old");
	t = open_table("removed");
	ck_assert_int_eq(unlink(path), 0);
	if (contents[_i])
		free(unit_write(dir, "removed.lmdb", contents[_i]));
	check_value(t, "a", "old");
	check_value(t, "b", NULL);
	unlink(path);
	write_one("removed", "a", "new");
	check_value(t, "a", "new");
	table_free(t);
	free(path);
}
END_TEST

START_TEST(test_cut_off)
{
	static const off_t sizes[] = { 0, 1, 4095, 4096, 8191 };
	char *path = path_of("cut");
	struct table *t;

	write_one("cut", "a", "old");
	t = open_table("cut");
	check_value(t, "a", "old");
	ck_assert_int_eq(truncate(path, sizes[_i]), 0);
	check_error(t, "a", "cut off");
	table_free(t);
	ck_assert_int_eq(unlink(path), 0);
	free(path);
}
END_TEST

/* Files that are no database; NULL: there is none. */
static const struct { const char *bytes, *complaint; } refused[] = {
	{ NULL, "No such file" }, { "", ".lmdb" }, { "a b\n", "not an LMDB file" },
	{ "\xde\xc0\xef\xbe", "not an LMDB file" },
};

START_TEST(test_refused)
{
	char *spec = mem_fmt("lmdb:%s/refused", dir), *why = NULL;

	if (refused[_i].bytes)
		free(unit_write(dir, "refused.lmdb", refused[_i].bytes));
	ck_assert_ptr_null(table_open(spec, &why));
	ck_assert_msg(strstr(why, refused[_i].complaint) && strstr(why, spec), "%s", why);
	ck_assert_ptr_null(strchr(why, '\n'));
	free(spec);
	free(why);
}
END_TEST

START_TEST(test_directory)
{
	char *spec = mem_fmt("lmdb:%s/directory", dir), *path = path_of("directory"), *why = NULL;

	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_ptr_null(table_open(spec, &why));
	ck_assert_msg(strstr(why, "cannot open"), "%s", why);
	free(spec);
	free(path);
	free(why);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "questions", test_questions, UNIT_ROWS(questions), 0 },
		{ "long keys are in no table", test_long_keys_are_in_no_table, 6, 0 },
		{ "value too long", test_value_too_long, 1, 0 },
		{ "rewritten", test_rewritten, 1, 0 },
		{ "replaced", test_replaced, 1, 0 },
		{ "removed", test_removed, 3, 0 },
		{ "cut off", test_cut_off, 5, 0 },
		{ "refused", test_refused, UNIT_ROWS(refused), 0 },
		{ "directory", test_directory, 1, 0 },
	};
	char *command;
	int failed;

	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	failed = unit_main("table/lmdb", cases, UNIT_ROWS(cases));
	command = mem_fmt("rm -r %s", dir);
	if (system(command) != 0)
		failed = EXIT_FAILURE;
	free(command);
	return failed;
}
