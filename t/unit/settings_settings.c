#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "settings/settings.h"

/* What one option shows after it was set. */
static const struct {
	const char *path, *value, *name, *shown;
} good[] = {
	{ "myhostname", "mx.example.org", "myhostname", "mx.example.org" },
	{ "queue.minimal_backoff_time", "5m", "minimal_backoff_time", "300s" },
	{ "queue.active_limit", "7", "qmgr_message_active_limit", "7" },
	{ "queue.message_size_limit", "1 MiB", "message_size_limit", "1048576" },
	{ "resolver.servers", "127.0.0.1@5353", "resolver_servers", "127.0.0.1@5353" },
	{ "log.name", "postfix", "syslog_name", "postfix" },
	{ "log.format", "JSON", "log_format", "json" },
	{ "control.http", "[::1]:9000", "control_http", "[::1]:9000" },
	{ "sandbox", "require", "sandbox", "require" },
	{ "soft_bounce", "true", "soft_bounce", "yes" },
	{ "smtp.helo_timeout", "3", "smtp_helo_timeout", "3s" },
	{ "lmtp.lhlo_timeout", "3", "lmtp_lhlo_timeout", "3s" },
	{ "lmtp.tls_security_level", "", "lmtp_tls_security_level", "" },
	{ "notify_classes", "bounce", "notify_classes", "bounce" },
	{ "tls_dane_digest_agility", "off", "tls_dane_digest_agility", "off" },
	{ "process_id", "7", "process_id", "7" },
	{ "transport.slow.nexthop", "a.example", "slow_nexthop", "a.example" },
	{ "transport.slow.destination_rate_delay", "1s", "slow_destination_rate_delay", "1s" },
	{ "transport.slow.protocol", "smtp", "slow_protocol", "smtp" },
	{ "transport.lmtp.flags", "DR", "lmtp_flags", "DR" },
	{ "pickup./srv/a.b.settle_time", "2s", "pickup./srv/a.b.settle_time", "2s" },
};

/* What is refused, and a word of the complaint. */
static const struct {
	const char *path, *value, *complaint;
} bad[] = {
	{ "", "1", "unknown" },
	{ "nonsense", "1", "unknown" },
	{ ".", "1", "unknown" },
	{ "queue.", "1", "unknown" },
	{ ".queue", "1", "unknown" },
	{ "queue.nonsense", "1", "unknown" },
	{ "queue.x.minimal_backoff_time", "1", "unknown" },
	{ "minimal_backoff_time", "1", "unknown" },
	{ "nonsense.workers", "1", "unknown" },
	{ "smtp.lhlo_timeout", "1", "unknown" },
	{ "lmtp.helo_timeout", "1", "unknown" },
	{ "smtp.smtp_helo_timeout", "1", "unknown" },
	{ "workers", "", "number" },
	{ "workers", "-1", "number" },
	{ "workers", "two", "number" },
	{ "workers", "100000", "more" },
	{ "queue.hopcount_limit", "0", "less" },
	{ "queue.minimal_backoff_time", "5 minutes", "time" },
	{ "queue.message_size_limit", "big", "size" },
	{ "sandbox", "maybe", "word" },
	{ "soft_bounce", "perhaps", "yes or no" },
	{ "myhostname", "a\nb", "control" },
	{ "transport.nexthop", "a", "name of a transport" },
	{ "transport.a b.nexthop", "a", "name of a transport" },
	{ "transport.a/b.nexthop", "a", "name of a transport" },
	{ "transport.slow.nonsense", "a", "unknown" },
	{ "transport.slow.helo_timeout", "1", "unknown" },
	{ "transport.slow.protocol", "uucp", "word" },
	{ "transport.smtp.protocol", "lmtp", "of their name" },
	{ "pickup.format", "eml", "begins with /" },
	{ "pickup.relative.format", "eml", "begins with /" },
	{ "pickup./srv/a.nonsense", "eml", "unknown" },
};

struct seen {
	char name[256], value[4096];
};

static void remember(void *arg, const char *name, const char *value)
{
	struct seen *seen = arg;

	snprintf(seen->name, sizeof(seen->name), "%s", name);
	snprintf(seen->value, sizeof(seen->value), "%s", value);
}

START_TEST(test_good)
{
	struct settings *s = settings_new();
	const char *why = "";
	struct seen seen = { "", "" };
	char *path;

	ck_assert_msg(settings_set(s, good[_i].path, good[_i].value, &why), "%s: %s", good[_i].path, why);
	ck_assert_uint_eq(settings_each(s, good[_i].name, remember, &seen), 1);
	ck_assert_str_eq(seen.value, good[_i].shown);
	path = settings_path(s, good[_i].name);
	ck_assert_ptr_nonnull(path);
	ck_assert_str_eq(path, good[_i].path);
	free(path);
	settings_free(s);
}
END_TEST

START_TEST(test_bad)
{
	struct settings *s = settings_new();
	const char *why = "";

	ck_assert_msg(!settings_set(s, bad[_i].path, bad[_i].value, &why), "%s was taken", bad[_i].path);
	ck_assert_msg(strstr(why, bad[_i].complaint) != NULL, "%s: %s", bad[_i].path, why);
	settings_free(s);
}
END_TEST

START_TEST(test_round_trip)
{
	struct settings *s = settings_new(), *copy;
	struct buf first, second;
	const char *why = "";

	buf_init(&first, 1 << 24);
	buf_init(&second, 1 << 24);
	for (size_t i = 0; i < UNIT_ROWS(good); i++)
		ck_assert_msg(settings_set(s, good[i].path, good[i].value, &why), "%s: %s", good[i].path,
			why);
	ck_assert(settings_set(s, "smtp.header_checks", "inline:{a\\nb=\\\\c}", &why));
	ck_assert(settings_print(s, &first));
	copy = settings_read(first.data, first.len, &why);
	ck_assert_msg(copy != NULL, "%s", why);
	ck_assert_str_eq(copy->smtp->header_checks, "inline:{a\\nb=\\\\c}");
	ck_assert(settings_print(copy, &second));
	ck_assert_str_eq(buf_text(&first), buf_text(&second));
	buf_free(&first);
	buf_free(&second);
	settings_free(s);
	settings_free(copy);
}
END_TEST

static const char *const damaged[] = {
	"myhostname\tx", "myhostname x\n", "nonsense\tx\n", "workers\tmany\n", "\n", "workers\t1\n\n",
};

START_TEST(test_damaged)
{
	const char *why = NULL;

	ck_assert_ptr_null(settings_read(damaged[_i], strlen(damaged[_i]), &why));
	ck_assert_ptr_nonnull(why);
}
END_TEST

/* A transport starts from what its protocol's section says when it comes into being. */
START_TEST(test_transport)
{
	struct settings *s = settings_new();
	const struct settings_transport *t;
	const char *why = "";

	ck_assert(settings_set(s, "smtp.mail_timeout", "9s", &why));
	ck_assert(settings_set(s, "transport.slow.protocol", "smtp", &why));
	ck_assert(settings_set(s, "transport.slow.rcpt_timeout", "8s", &why));
	t = settings_transport(s, "slow");
	ck_assert_ptr_nonnull(t);
	ck_assert_int_eq(t->manner->protocol, PROTOCOL_SMTP);
	ck_assert_int_eq(t->manner->mail_timeout, 9000);
	ck_assert_int_eq(t->manner->rcpt_timeout, 8000);
	ck_assert_int_eq(s->smtp->rcpt_timeout, 300000);
	ck_assert_ptr_eq(settings_transport(s, "lmtp")->manner, s->lmtp);
	ck_assert_ptr_null(settings_transport(s, "fast"));
	settings_free(s);
}
END_TEST

START_TEST(test_obsolete)
{
	struct settings *s = settings_new();

	ck_assert_str_eq(settings_successor(s, "fallback_relay"), "use smtp_fallback_relay");
	ck_assert_ptr_nonnull(strstr(settings_successor(s, "smtp.use_tls"), "tls_security_level"));
	ck_assert_ptr_null(settings_successor(s, "myhostname"));
	ck_assert_ptr_null(settings_successor(s, "nonsense"));
	settings_free(s);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "good", test_good, UNIT_ROWS(good), 0 },
		{ "bad", test_bad, UNIT_ROWS(bad), 0 },
		{ "round trip", test_round_trip, 1, 0 },
		{ "damaged", test_damaged, UNIT_ROWS(damaged), 0 },
		{ "transport", test_transport, 1, 0 },
		{ "obsolete", test_obsolete, 1, 0 },
	};

	return unit_main("settings/settings", cases, UNIT_ROWS(cases));
}
