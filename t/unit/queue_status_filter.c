/* parameter default_delivery_status_filter */
#include <string.h>

#include "queue/result/status_filter.h"
#include "unit.h"

#define WORDS "host h[/x] said: 550 5.1.1 no (in reply to RCPT TO command)"

/* A table for the transport lmtp, a result, and what it becomes; NULL: it stays as it is. */
static const struct {
	const char *table;
	enum outcome outcome;
	const char *dsn, *text;
	enum outcome becomes;
	const char *new_dsn, *new_text;
	bool reply_stays;
} rows[] = {
	{ "", OUTCOME_BOUNCED, "5.1.1", WORDS, 0, NULL, NULL, true },
	{ "inline:{{4.4.1 x=4.4.2 y}}", OUTCOME_BOUNCED, "5.1.1", WORDS, 0, NULL, NULL, true },
	{ "static:{4.7.1 tried again}", OUTCOME_BOUNCED, "5.1.1", WORDS, OUTCOME_DEFERRED, "4.7.1", "tried again",
		false },
	{ "static:{5.7.1 given up}", OUTCOME_DEFERRED, "4.1.1", WORDS, OUTCOME_BOUNCED, "5.7.1", "given up",
		false },
	{ "static:{5.7.1 other words}", OUTCOME_BOUNCED, "5.1.1", WORDS, OUTCOME_BOUNCED, "5.7.1", "other words",
		true },
	{ "static:{2.1.5 taken}", OUTCOME_SENT, "2.0.0", "250 ok", OUTCOME_SENT, "2.1.5", "taken", true },
	{ "static:{ 5.7.1   given  up }", OUTCOME_DEFERRED, "4.1.1", WORDS, OUTCOME_BOUNCED, "5.7.1", "given  up",
		false },
	/* the tables are searched in their order */
	{ "inline:{{x=5.0.0 no}}, static:{5.7.1 given up}", OUTCOME_DEFERRED, "4.1.1", WORDS, OUTCOME_BOUNCED,
		"5.7.1", "given up", false },
	/* success and failure are not made of each other */
	{ "static:{5.7.1 no}", OUTCOME_SENT, "2.0.0", "250 ok", 0, NULL, NULL, true },
	{ "static:{4.7.1 no}", OUTCOME_SENT, "2.0.0", "250 ok", 0, NULL, NULL, true },
	{ "static:{2.0.0 ok}", OUTCOME_DEFERRED, "4.1.1", WORDS, 0, NULL, NULL, true },
	{ "static:{2.0.0 ok}", OUTCOME_BOUNCED, "5.1.1", WORDS, 0, NULL, NULL, true },
	/* and an answer has a form */
	{ "static:{5.7.1}", OUTCOME_DEFERRED, "4.1.1", WORDS, 0, NULL, NULL, true },
	{ "static:{given up}", OUTCOME_DEFERRED, "4.1.1", WORDS, 0, NULL, NULL, true },
	{ "static:{5.7 given up}", OUTCOME_DEFERRED, "4.1.1", WORDS, 0, NULL, NULL, true },
	{ "static:{3.7.1 given up}", OUTCOME_DEFERRED, "4.1.1", WORDS, 0, NULL, NULL, true },
	{ "static:{5.7.1x given up}", OUTCOME_DEFERRED, "4.1.1", WORDS, 0, NULL, NULL, true },
	{ "static:{5.7.1234 given up}", OUTCOME_DEFERRED, "4.1.1", WORDS, 0, NULL, NULL, true },
};

static struct settings *settings_with(const char *path, const char *value)
{
	struct settings *s = settings_new();
	const char *why = NULL;

	ck_assert_msg(settings_set(s, path, value, &why), "%s", why);
	return s;
}

static struct note note_of(enum outcome outcome, const char *dsn, const char *text, const char *transport)
{
	struct note n = { .outcome = outcome, .transport = transport, .relay = "h[/x]", .text = text,
		.reply = "550 5.1.1 no" };

	snprintf(n.dsn, sizeof n.dsn, "%s", dsn);
	return n;
}

/* parameter delivery_status_filter, behaviour W-9 */
START_TEST(test_filter)
{
	struct settings *s = settings_with("lmtp.delivery_status_filter", rows[_i].table);
	struct status_filters *f = status_filters_new(s);
	struct note room, n = note_of(rows[_i].outcome, rows[_i].dsn, rows[_i].text, "lmtp");
	const struct note *got = status_filter(f, &n, &room);

	if (rows[_i].new_dsn) {
		ck_assert_int_eq(got->outcome, rows[_i].becomes);
		ck_assert_str_eq(got->dsn, rows[_i].new_dsn);
		ck_assert_str_eq(got->text, rows[_i].new_text);
		ck_assert_int_eq(got->reply != NULL, rows[_i].reply_stays);
		ck_assert_str_eq(got->relay, "h[/x]");
	} else {
		ck_assert_ptr_eq(got, &n);
	}
	n = note_of(rows[_i].outcome, rows[_i].dsn, rows[_i].text, "smtp");
	ck_assert_ptr_eq(status_filter(f, &n, &room), &n);
	status_filters_free(f);
	settings_free(s);
}
END_TEST

/* A refusal that soft_bounce has made a deferral does not come back that way. */
START_TEST(test_soft_bounce)
{
	struct settings *s = settings_with("lmtp.delivery_status_filter", "static:{5.7.1 given up}");
	const char *why;
	struct status_filters *f;
	struct note room, n = note_of(OUTCOME_DEFERRED, "4.1.1", WORDS, "lmtp");
	const struct note *got;

	ck_assert(settings_set(s, "soft_bounce", "yes", &why));
	f = status_filters_new(s);
	got = status_filter(f, &n, &room);
	ck_assert_int_eq(got->outcome, OUTCOME_DEFERRED);
	ck_assert_str_eq(got->dsn, "4.7.1");
	ck_assert_str_eq(got->text, "given up");
	status_filters_free(f);
	settings_free(s);
}
END_TEST

/* Mail for which there is no transport has only the default. */
START_TEST(test_without_transport)
{
	struct settings *s = settings_with("default_delivery_status_filter", "static:{5.7.1 given up}");
	struct status_filters *f = status_filters_new(s);
	struct note room, n = note_of(OUTCOME_DEFERRED, "4.3.5", "no transport", "");

	ck_assert_int_eq(status_filter(f, &n, &room)->outcome, OUTCOME_BOUNCED);
	status_filters_free(f);
	settings_free(s);
}
END_TEST

START_TEST(test_no_such_table)
{
	struct settings *s = settings_with("lmtp.delivery_status_filter", "texthash:/no/such/file");
	struct status_filters *f = status_filters_new(s);
	struct note room, n = note_of(OUTCOME_DEFERRED, "4.3.5", "x", "lmtp");

	ck_assert_ptr_eq(status_filter(f, &n, &room), &n);
	status_filters_free(f);
	settings_free(s);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "filter", test_filter, UNIT_ROWS(rows), 0 },
		{ "soft_bounce", test_soft_bounce, 1, 0 },
		{ "without a transport", test_without_transport, 1, 0 },
		{ "no such table", test_no_such_table, 1, 0 },
	};

	return unit_main("queue/status_filter", cases, UNIT_ROWS(cases));
}
