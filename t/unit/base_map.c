#include "unit.h"

#include <string.h>

#include "base/map.h"

enum { MANY = 20000 };
static char values[MANY];

/* Keys of a few bytes, NUL included, for map; the number itself for idmap. */
static size_t key_of(unsigned i, char key[16])
{
	int n = snprintf(key, 16, "%u", i * 7);

	key[n] = '\0';
	return (size_t)n + i % 2;
}

START_TEST(test_map)
{
	struct map *m = map_new();
	char key[16];

	ck_assert_ptr_null(map_get(m, "", 0));
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++)
			ck_assert_ptr_null(map_put(m, key, key_of(i, key), values + i));
		ck_assert_uint_eq(map_count(m), MANY);
		for (unsigned i = 0; i < MANY; i += 2)
			ck_assert_ptr_eq(map_take(m, key, key_of(i, key)), values + i);
		for (unsigned i = 0; i < MANY; i++)
			ck_assert_ptr_eq(map_get(m, key, key_of(i, key)), i % 2 ? values + i : NULL);
		for (unsigned i = 1; i < MANY; i += 2)
			ck_assert_ptr_eq(map_take(m, key, key_of(i, key)), values + i);
		ck_assert_uint_eq(map_count(m), 0);
	}
	map_free(m);
}
END_TEST

START_TEST(test_idmap)
{
	struct idmap *m = idmap_new();

	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < MANY; i++)
			ck_assert_ptr_null(idmap_put(m, i << 12, values + i));
		for (uint64_t i = 0; i < MANY; i += 3)
			ck_assert_ptr_eq(idmap_take(m, i << 12), values + i);
		for (uint64_t i = 0; i < MANY; i++) {
			ck_assert_ptr_eq(idmap_get(m, i << 12), i % 3 ? values + i : NULL);
			ck_assert_ptr_null(idmap_get(m, (i << 12) + 1));
		}
		for (uint64_t i = 0; i < MANY; i++)
			idmap_take(m, i << 12);
		ck_assert_uint_eq(idmap_count(m), 0);
	}
	idmap_free(m);
}
END_TEST

START_TEST(test_replace)
{
	struct map *m = map_new();
	struct idmap *ids = idmap_new();

	ck_assert_ptr_null(map_put(m, "a", 1, values));
	ck_assert_ptr_eq(map_put(m, "a", 1, values + 1), values);
	ck_assert_ptr_eq(map_get(m, "a", 1), values + 1);
	ck_assert_ptr_null(map_put(m, "", 0, values));
	ck_assert_ptr_eq(map_get(m, "", 0), values);
	ck_assert_uint_eq(map_count(m), 2);
	ck_assert_ptr_null(idmap_put(ids, 0, values));
	ck_assert_ptr_eq(idmap_put(ids, 0, values + 1), values);
	ck_assert_uint_eq(idmap_count(ids), 1);
	map_free(m);
	idmap_free(ids);
}
END_TEST

START_TEST(test_missing)
{
	struct map *m = map_new();
	struct idmap *ids = idmap_new();

	map_put(m, "abc", 3, values);
	ck_assert_ptr_null(map_get(m, "abcd", 4));
	ck_assert_ptr_null(map_get(m, "ab", 2));
	ck_assert_ptr_null(map_get(m, "ABC", 3));
	ck_assert_ptr_null(map_get(m, "abc\0", 4));
	ck_assert_ptr_null(map_take(m, "x", 1));
	ck_assert_ptr_null(idmap_take(ids, 1));
	ck_assert_uint_eq(map_count(m), 1);
	map_free(m);
	idmap_free(ids);
	map_free(NULL);
	idmap_free(NULL);
}
END_TEST

START_TEST(test_walk)
{
	struct map *m = map_new();
	struct idmap *ids = idmap_new();
	size_t at = 0, seen = 0;
	char key[16], *v;

	ck_assert_ptr_null(map_next(m, &at));
	for (unsigned i = 0; i < 100; i++) {
		map_put(m, key, key_of(i, key), values + i);
		idmap_put(ids, i, values + i);
	}
	memset(values, 0, sizeof values);
	for (at = 0; (v = map_next(m, &at)); seen++)
		ck_assert_int_eq((*v)++, 0);
	for (at = 0; (v = idmap_next(ids, &at)); seen++)
		ck_assert_int_eq((*v)++, 1);
	ck_assert_uint_eq(seen, 200);
	map_free(m);
	idmap_free(ids);
}
END_TEST

START_TEST(test_null_value)
{
	map_put(map_new(), "a", 1, NULL);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "holds many byte strings", test_map, 1, 0 },
		{ "holds many numbers", test_idmap, 1, 0 },
		{ "replaces", test_replace, 1, 0 },
		{ "knows what is missing", test_missing, 1, 0 },
		{ "is walked through", test_walk, 1, 0 },
		{ "refuses NULL as a value", test_null_value, 1, SIGABRT },
	};

	return unit_main("base/map", cases, UNIT_ROWS(cases));
}
