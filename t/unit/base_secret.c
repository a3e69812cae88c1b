#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

START_TEST(test_realloc_keeps_content)
{
	char *p = mem_str("secret");

	p = secret_realloc(p, 100);
	ck_assert_str_eq(p, "secret");
	p = secret_realloc(p, 3);
	ck_assert(memcmp(p, "sec", 3) == 0);
	secret_free(p);
}
END_TEST

START_TEST(test_realloc_of_nothing)
{
	char *p = secret_realloc(NULL, 10);

	ck_assert_ptr_nonnull(p);
	secret_free(p);
	secret_free(NULL);
}
END_TEST

START_TEST(test_wipe)
{
	char text[] = "secret";

	secret_wipe(text, 0);
	ck_assert_str_eq(text, "secret");
	secret_wipe(text, 3);
	ck_assert(memcmp(text, "\0\0\0ret", sizeof text) == 0);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "realloc keeps content", test_realloc_keeps_content, 1, 0 },
		{ "realloc of nothing", test_realloc_of_nothing, 1, 0 },
		{ "wipe", test_wipe, 1, 0 },
	};

	return unit_main("base/secret", cases, UNIT_ROWS(cases));
}
