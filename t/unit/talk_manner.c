/* The option table of smtp {} and lmtp {}. */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "talk/manner.h"

#include "manner_set.h"

static char *printed(const struct manner *m, const char *name)
{
	struct buf out;

	buf_init(&out, 1000);
	ck_assert_msg(manner_print(m, name, &out), "%s", name);
	return buf_take(&out);
}

/* Every default is in force after manner_new, in the words in which it is printed and read back. */
START_TEST(test_defaults)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);
	enum protocol protocol = _i ? PROTOCOL_LMTP : PROTOCOL_SMTP;
	struct manner *m = manner_new(protocol), *other = manner_new(protocol);

	for (size_t i = 0; i < count; i++) {
		const char *why = NULL;
		char *first, *second;

		ck_assert_str_ne(rows[i].help, "");
		if (!manner_row(protocol, rows[i].name))
			continue;
		ck_assert(manner_set(other, rows[i].name, manner_row(protocol, rows[i].name)->initial, &why));
		first = printed(m, rows[i].name);
		ck_assert_msg(manner_set(other, rows[i].name, first, &why), "%s: %s", rows[i].name, why);
		second = printed(other, rows[i].name);
		ck_assert_str_eq(first, second);
		free(first);
		free(second);
	}
	manner_free(m);
	manner_free(other);
}
END_TEST

/* No two rows that one protocol knows have the same name or the same member. */
START_TEST(test_rows_are_distinct)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (rows[i].use & rows[j].use & MANNER_BOTH) {
				ck_assert_str_ne(rows[i].name, rows[j].name);
				ck_assert_msg(rows[i].offset != rows[j].offset, "%s", rows[i].name);
			}
}
END_TEST

static const struct {
	enum protocol protocol;
	const char *name, *value;
} defaults[] = {
	{ PROTOCOL_SMTP, "connect_timeout", "30s" }, { PROTOCOL_LMTP, "connect_timeout", "0s" },
	{ PROTOCOL_SMTP, "helo_timeout", "300s" }, { PROTOCOL_LMTP, "lhlo_timeout", "300s" },
	{ PROTOCOL_SMTP, "skip_quit_response", "yes" }, { PROTOCOL_LMTP, "skip_quit_response", "no" },
	{ PROTOCOL_SMTP, "tls_security_level", "may" }, { PROTOCOL_LMTP, "tls_security_level", "" },
	{ PROTOCOL_SMTP, "tcp_port", "smtp" }, { PROTOCOL_LMTP, "tcp_port", "24" },
	{ PROTOCOL_SMTP, "tls_key_file", "$smtp_tls_cert_file" },
	{ PROTOCOL_LMTP, "tls_key_file", "$lmtp_tls_cert_file" },
	{ PROTOCOL_SMTP, "helo_name", "$myhostname" }, { PROTOCOL_LMTP, "lhlo_name", "$myhostname" },
	{ PROTOCOL_SMTP, "sasl_auth_cache_time", "90d" },
	{ PROTOCOL_LMTP, "initial_destination_concurrency", "5" },
	{ PROTOCOL_LMTP, "destination_concurrency_limit", "20" },
	{ PROTOCOL_LMTP, "destination_recipient_limit", "50" },
};

START_TEST(test_default)
{
	struct manner *m = manner_new(defaults[_i].protocol);
	char *value = printed(m, defaults[_i].name);

	ck_assert_str_eq(value, defaults[_i].value);
	free(value);
	manner_free(m);
}
END_TEST

/* What one protocol alone knows is no option of the other. */
static const struct {
	enum protocol protocol;
	const char *name;
} unknown[] = {
	{ PROTOCOL_LMTP, "helo_timeout" }, { PROTOCOL_SMTP, "lhlo_timeout" },
	{ PROTOCOL_LMTP, "helo_name" }, { PROTOCOL_SMTP, "lhlo_name" },
	{ PROTOCOL_LMTP, "discard_ehlo_keywords" }, { PROTOCOL_SMTP, "discard_lhlo_keywords" },
	{ PROTOCOL_LMTP, "discard_ehlo_keyword_address_maps" },
	{ PROTOCOL_SMTP, "discard_lhlo_keyword_address_maps" },
	{ PROTOCOL_LMTP, "always_send_ehlo" }, { PROTOCOL_LMTP, "never_send_ehlo" },
	{ PROTOCOL_LMTP, "skip_4xx_greeting" }, { PROTOCOL_LMTP, "tls_dane_insecure_mx_policy" },
	{ PROTOCOL_LMTP, "tls_cipherlist" }, { PROTOCOL_SMTP, "assume_final" },
	{ PROTOCOL_SMTP, "cache_connection" },
	{ PROTOCOL_SMTP, "smtp_mail_timeout" }, { PROTOCOL_SMTP, "Mail_timeout" }, { PROTOCOL_SMTP, "" },
};

START_TEST(test_unknown)
{
	struct manner *m = manner_new(unknown[_i].protocol);
	struct buf out;

	buf_init(&out, 100);
	ck_assert_ptr_null(manner_row(unknown[_i].protocol, unknown[_i].name));
	ck_assert(!manner_print(m, unknown[_i].name, &out));
	ck_assert_uint_eq(out.len, 0);
	manner_free(m);
}
END_TEST

static const struct {
	const char *name, *value;
} bad[] = {
	{ "mail_timeout", "0" }, { "mail_timeout", "soon" }, { "mail_timeout", "4000w" },
	{ "destination_recipient_limit", "-1" },
	{ "initial_destination_concurrency", "0" }, { "tls_security_level", "must" }, { "tls_ciphers", "great" },
	{ "address_preference", "ipv5" }, { "skip_5xx_greeting", "perhaps" }, { "lhlo_name", "a\r\nMAIL" },
	{ "tls_trace_size_limit", "much" }, { "min_data_rate", "0" },
};

START_TEST(test_bad_value)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	const char *why = NULL;

	ck_assert(!manner_set(m, bad[_i].name, bad[_i].value, &why));
	ck_assert_ptr_nonnull(why);
	manner_free(m);
}
END_TEST

/* A copy has its own texts. */
START_TEST(test_copy)
{
	struct manner *m = manner_new(PROTOCOL_LMTP), *copy;
	const char *why;

	ck_assert(manner_set(m, "lhlo_name", "one.test", &why));
	copy = manner_copy(m);
	ck_assert(manner_set(m, "lhlo_name", "two.test", &why));
	ck_assert_str_eq(copy->helo_name, "one.test");
	ck_assert_ptr_ne(copy->tcp_port, m->tcp_port);
	manner_free(m);
	ck_assert_str_eq(copy->tcp_port, "24");
	manner_free(copy);
	manner_free(NULL);
}
END_TEST

static const struct {
	const char *set[3][2];
	enum tls_level level;
} levels[] = {
	{ { { NULL } }, TLS_NONE },
	{ { { "use_tls", "yes" } }, TLS_MAY },
	{ { { "enforce_tls", "yes" } }, TLS_VERIFY },
	{ { { "enforce_tls", "yes" }, { "tls_enforce_peername", "no" } }, TLS_ENCRYPT },
	{ { { "enforce_tls", "yes" }, { "tls_security_level", "none" } }, TLS_NONE },
	{ { { "tls_security_level", "may" } }, TLS_MAY },
	{ { { "tls_security_level", "dane" } }, TLS_DANE },
	{ { { "tls_security_level", "secure" } }, TLS_SECURE },
};

START_TEST(test_level)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	const char *why;

	for (size_t i = 0; i < 3 && levels[_i].set[i][0]; i++)
		ck_assert(manner_set(m, levels[_i].set[i][0], levels[_i].set[i][1], &why));
	ck_assert_int_eq(manner_tls_level(m), levels[_i].level);
	manner_free(m);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "defaults", test_defaults, 2, 0 },
		{ "rows are distinct", test_rows_are_distinct, 1, 0 },
		{ "default", test_default, UNIT_ROWS(defaults), 0 },
		{ "unknown", test_unknown, UNIT_ROWS(unknown), 0 },
		{ "bad value", test_bad_value, UNIT_ROWS(bad), 0 },
		{ "copy", test_copy, 1, 0 },
		{ "level", test_level, UNIT_ROWS(levels), 0 },
	};

	return unit_main("talk/manner", cases, UNIT_ROWS(cases));
}
