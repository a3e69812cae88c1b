/* What parameters change in the dialogue, as far as a script cannot show it. */
#include "unit.h"

#include <string.h>

#include "talk/dialogue.h"

#include "manner_set.h"

static struct manner *manner;
static struct envelope *envelope;
static struct dialogue *dialogue;
static struct buf out;

static void option(const char *name, const char *value)
{
	const char *why;

	manner = manner ? manner : manner_new(PROTOCOL_LMTP);
	if (!manner_set(manner, name, value, &why))
		ck_abort_msg("%s: %s", name, why);
}

static void begin_as(struct dialogue_setup setup, const char *rcpt, bool retry_in_clear)
{
	struct transaction t = { .content_size = 10, .last_host = true, .retry_in_clear = retry_in_clear };

	manner = manner ? manner : manner_new(PROTOCOL_LMTP);
	option(manner->protocol == PROTOCOL_LMTP ? "lhlo_name" : "helo_name", "me");
	setup.manner = manner;
	setup.host = "mx.test";
	setup.myhostname = "me";
	buf_init(&out, 1 << 20);
	dialogue = dialogue_new(&setup);
	t.envelope = envelope = envelope_new();
	envelope_add(envelope, rcpt, NULL, 0);
	dialogue_begin(dialogue, &t);
}

static void start_as(struct dialogue_setup setup, const char *rcpt)
{
	begin_as(setup, rcpt, false);
}

/* The peer says something; what is said to that. */
static const char *hears(const char *bytes)
{
	dialogue_hear(dialogue, bytes, strlen(bytes));
	buf_clear(&out);
	dialogue_speak(dialogue, &out);
	return buf_text(&out);
}

static void finish(void)
{
	struct verdict v;
	size_t rcpt;

	while (dialogue_verdict(dialogue, &rcpt, &v))
		verdict_clear(&v);
	dialogue_free(dialogue);
	manner_free(manner);
	envelope_free(envelope);
	buf_free(&out);
}

static const struct {
	const char *address, *quoted, *bare;
} addresses[] = {
	{ "a@x.test", "a@x.test", "a@x.test" },
	{ "a", "a", "a" },
	{ "\"a..b\"@x.test", "\"a..b\"@x.test", "a..b@x.test" },
	{ "\"a b\"@x.test", "\"a b\"@x.test", "a b@x.test" },
	{ "\"a@b\"@x.test", "\"a@b\"@x.test", "a@b@x.test" },
	{ "\"a\\\"b\"@x.test", "\"a\\\"b\"@x.test", "a\"b@x.test" },
	{ "\"a\\\\b\"@x.test", "\"a\\\\b\"@x.test", "a\\b@x.test" },
	{ "\".a\"", "\".a\"", ".a" },
	/* quotes and backslashes that need not be are not sent */
	{ "\"a\"@x.test", "a@x.test", "a@x.test" },
	{ "\"\\a\"@x.test", "a@x.test", "a@x.test" },
	{ "\"a\\ b\"@x.test", "\"a b\"@x.test", "a b@x.test" },
	{ "\"\303\251\"@x.test", "\303\251@x.test", "\303\251@x.test" },
	/* what would not be read as one local part keeps them */
	{ "\"\"@x.test", "\"\"@x.test", "\"\"@x.test" },
	{ "\"a>b\"@x.test", "\"a>b\"@x.test", "\"a>b\"@x.test" },
	{ "\"<a\"@x.test", "\"<a\"@x.test", "\"<a\"@x.test" },
	{ "\"a\"@[127.0.0.1]", "a@[127.0.0.1]", "a@[127.0.0.1]" },
};

static void check_line(const char *said, const char *address)
{
	char wanted[100];

	snprintf(wanted, sizeof wanted, "RCPT TO:<%s>\r\n", address);
	ck_assert_str_eq(said, wanted);
}

START_TEST(test_AD_2_and_3_quoting)
{
	start_as((struct dialogue_setup){ 0 }, addresses[_i].address);
	hears("220 s\r\n");
	hears("250-s\r\n250 SMTPUTF8\r\n");
	check_line(hears("250 ok\r\n"), addresses[_i].quoted);
	finish();
}
END_TEST

START_TEST(test_quote_rfc821_envelope_no)
{
	option("quote_rfc821_envelope", "no");
	start_as((struct dialogue_setup){ 0 }, addresses[_i].address);
	hears("220 s\r\n");
	hears("250-s\r\n250 SMTPUTF8\r\n");
	check_line(hears("250 ok\r\n"), addresses[_i].bare);
	finish();
}
END_TEST

static const struct {
	unsigned mask;
	const char *remark;
} discards[] = {
	{ 0, NULL },
	{ EHLO_DSN, "discarding EHLO keywords: DSN" },
	{ EHLO_DSN | EHLO_SIZE, "discarding EHLO keywords: SIZE DSN" },
	{ EHLO_DSN | EHLO_SILENT, NULL },
	{ EHLO_SILENT, NULL },
};

START_TEST(test_E_15_remark)
{
	char *remark;

	start_as((struct dialogue_setup){ .discard = discards[_i].mask }, "a@x.test");
	hears("220 s\r\n");
	hears("250-s\r\n250-SIZE 1\r\n250 DSN\r\n");
	ck_assert_uint_eq(dialogue_offers(dialogue)->offers, (EHLO_DSN | EHLO_SIZE) & ~discards[_i].mask);
	remark = dialogue_remark(dialogue);
	ck_assert(!remark == !discards[_i].remark);
	if (remark)
		ck_assert_str_eq(remark, discards[_i].remark);
	ck_assert_ptr_null(dialogue_remark(dialogue));
	free(remark);
	finish();
}
END_TEST

/* Whether the clock is to start anew: for the handshake, for each reply of the transaction, for content. */
static const struct {
	const char *heard;
	bool anew, anew_with_deadline;
} turns[] = {
	{ "220-s\r\n", false, false },
	{ "220 s\r\n", true, false },
	{ "250 s\r\n", true, true },
	{ "25", false, false },
	{ "0 mail\r\n", true, true },
	{ "250 rcpt\r\n", true, true },
	{ "354 go\r\n", true, true },
};

static void play_turns(bool deadline)
{
	option("per_request_deadline", deadline ? "yes" : "no");
	start_as((struct dialogue_setup){ 0 }, "a@x.test");
	for (size_t i = 0; i < UNIT_ROWS(turns); i++) {
		unsigned progress = dialogue_progress(dialogue);
		bool anew = deadline ? turns[i].anew_with_deadline : turns[i].anew;

		hears(turns[i].heard);
		ck_assert_msg((dialogue_progress(dialogue) != progress) == anew, "%s", turns[i].heard);
		ck_assert(dialogue_inside_reply(dialogue) == (strcmp(turns[i].heard, "25") == 0
			|| strchr(turns[i].heard, '-')));
	}
	finish();
}

START_TEST(test_H2_5_deadlines)
{
	play_turns(_i);
}
END_TEST

/* EHLO refused: HELO has what is left of the same time. */
START_TEST(test_H2_5_helo_shares_the_time)
{
	unsigned progress;

	manner = manner_new(PROTOCOL_SMTP);
	option("per_request_deadline", "yes");
	start_as((struct dialogue_setup){ 0 }, "a@x.test");
	hears("220 s\r\n");
	progress = dialogue_progress(dialogue);
	ck_assert_str_eq(hears("500 what\r\n"), "HELO me\r\n");
	ck_assert_uint_eq(dialogue_progress(dialogue), progress);
	finish();
}
END_TEST

static const char *fails(void *arg, const char *line, const char **why)
{
	if (strcmp(line, arg) == 0)
		*why = "the table is gone";
	return NULL;
}

/* A reply that the filter cannot look up: 4.3.0, whatever it said; after the dot no other host. */
static const struct {
	const char *line;
	enum stage stage;
} failures[] = {
	{ "220 s", STAGE_GREETING }, { "250 s", STAGE_HELO }, { "250 mail", STAGE_MAIL },
	{ "250 rcpt", STAGE_RCPT }, { "354 go", STAGE_DATA }, { "250 saved", STAGE_DOT },
};

START_TEST(test_Y_13_local_data_error)
{
	const char *reason;
	struct dialogue_setup setup = { .filter = { fails, (char *)failures[_i].line } };
	struct verdict v;
	size_t rcpt;

	start_as(setup, "a@x.test");
	for (int i = 0; i <= _i; i++) {
		char line[40];

		if (dialogue_stage(dialogue) == STAGE_CONTENT)
			dialogue_content_sent(dialogue);
		snprintf(line, sizeof line, "%s\r\n", failures[i].line);
		hears(line);
	}
	ck_assert(dialogue_verdict(dialogue, &rcpt, &v));
	ck_assert_int_eq(v.outcome, OUTCOME_DEFERRED);
	ck_assert_int_eq(v.stage, failures[_i].stage);
	ck_assert_str_eq(v.dsn, "4.3.0");
	ck_assert_str_eq(v.text, "local data error while talking to mx.test: the table is gone");
	ck_assert_int_eq(dialogue_site(dialogue, &reason), SITE_DEAD);
	ck_assert(!dialogue_reusable(dialogue));
	verdict_clear(&v);
	finish();
}
END_TEST

/* A fault of ours inside TLS: without TLS there is nothing that would be better. */
START_TEST(test_T_12_local_data_error_asks_nobody_in_clear)
{
	struct dialogue_setup setup = { .filter = { fails, (char *)failures[2].line },
		.tls = DIALOGUE_TLS_OFFERED, .tls_ready = true,
		.tls_first = true };

	begin_as(setup, "a@x.test", true);
	dialogue_speak(dialogue, &out);
	dialogue_secured(dialogue, NULL);
	hears("220 s\r\n");
	hears("250 s\r\n");
	ck_assert(dialogue_is_secure(dialogue));
	hears("250 mail\r\n");
	ck_assert_int_eq(dialogue_speak(dialogue, &out), DIALOGUE_END);
	ck_assert(!dialogue_wants_clear(dialogue));
	finish();
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "quoting", test_AD_2_and_3_quoting, UNIT_ROWS(addresses), 0 },
		{ "no quoting", test_quote_rfc821_envelope_no, UNIT_ROWS(addresses), 0 },
		{ "discards", test_E_15_remark, UNIT_ROWS(discards), 0 },
		{ "deadlines", test_H2_5_deadlines, 2, 0 },
		{ "deadline of HELO", test_H2_5_helo_shares_the_time, 1, 0 },
		{ "filter fails", test_Y_13_local_data_error, UNIT_ROWS(failures), 0 },
		{ "filter fails in TLS", test_T_12_local_data_error_asks_nobody_in_clear, 1, 0 },
	};

	return unit_main("talk/dialogue options", cases, UNIT_ROWS(cases));
}
