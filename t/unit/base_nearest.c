/* What is suggested for a mistyped name, and when nothing is. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

static const char *const names[] = {
	"workers", "user", "sandbox", "smtp_tls_security_level", "lmtp_tls_security_level", "mail_timeout",
	"rcpt_timeout", "",
};

static const struct {
	const char *mistyped, *expected;
} rows[] = {
	{ "workerz", "; did you mean workers?" },       /* a wrong letter */
	{ "worker", "; did you mean workers?" },        /* one missing */
	{ "workeers", "; did you mean workers?" },      /* one too many */
	{ "wokrers", "; did you mean workers?" },       /* two exchanged */
	{ "uesr", "; did you mean user?" },
	{ "mali_timeuot", "; did you mean mail_timeout?" },
	{ "smtp_tls_securitylevl", "; did you mean smtp_tls_security_level?" },
	{ "imtp_tls_security_level", "; did you mean smtp_tls_security_level?" },   /* the first of two as near */
	{ "ltmp_tls_security_level", "; did you mean lmtp_tls_security_level?" },
	{ "tls_security_level", "; did you mean smtp_tls_security_level?" },        /* a prefix missing */
	{ "smtp_mail_timeout", "; did you mean mail_timeout?" },                    /* one too many */
	{ "workers", "; did you mean workers?" },
	{ "use", "" },                                  /* too short to be sure */
	{ "us", "" },
	{ "nonsense", "" },
	{ "wxrkxrz", "" },                              /* three of seven letters */
	{ "timeout", "; did you mean mail_timeout?" },
	{ "_", "" },
	{ "", "" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"" },
};

START_TEST(test_nearest)
{
	struct nearest *n = nearest_new(rows[_i].mistyped);
	struct buf out;

	buf_init(&out, 1000);
	for (size_t i = 0; i < UNIT_ROWS(names); i++)
		nearest_consider(n, names[i]);
	nearest_print(n, &out);
	ck_assert_str_eq(buf_text(&out), rows[_i].expected);
	buf_free(&out);
	nearest_free(n);
}
END_TEST

/* What is shown may be gone before the end, and longer than anything mistyped. */
START_TEST(test_names_are_copied)
{
	struct nearest *n = nearest_new("workerz");
	char name[200] = "workers";
	struct buf out;

	nearest_consider(n, name);
	memset(name, 'x', sizeof(name) - 1);
	nearest_consider(n, name);
	buf_init(&out, 1000);
	nearest_print(n, &out);
	ck_assert_str_eq(buf_text(&out), "; did you mean workers?");
	buf_free(&out);
	nearest_free(n);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "nearest", test_nearest, UNIT_ROWS(rows), 0 },
		{ "names are copied", test_names_are_copied, 1, 0 },
	};
	return unit_main("base/nearest", cases, UNIT_ROWS(cases));
}
