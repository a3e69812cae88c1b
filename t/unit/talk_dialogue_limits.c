/* What of the dialogue cannot be written as a script: limits, times, what it tells its driver. */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "talk/dialogue.h"

#include "manner_set.h"

static struct dialogue *start(struct manner *m, struct envelope *e, size_t rcpts)
{
	struct dialogue_setup setup = { .manner = m, .host = "mx.test", .myhostname = "me" };
	struct transaction t = { .envelope = e, .content_size = 10, .last_host = true };
	struct dialogue *d = dialogue_new(&setup);

	for (size_t i = 0; i < rcpts; i++)
		envelope_add(e, "someone@example.test", NULL, 0);
	dialogue_begin(d, &t);
	return d;
}

static void hears(struct dialogue *d, const char *bytes)
{
	dialogue_hear(d, bytes, strlen(bytes));
}

static size_t count_verdicts(struct dialogue *d, enum outcome outcome)
{
	size_t rcpt, n = 0;
	struct verdict v = { 0 };

	while (dialogue_verdict(d, &rcpt, &v)) {
		n += v.outcome == outcome;
		verdict_clear(&v);
	}
	return n;
}

static void finish(struct dialogue *d, struct manner *m, struct envelope *e)
{
	dialogue_free(d);
	manner_free(m);
	envelope_free(e);
}

#define HANDSHAKE "220 s\r\n", "250-s\r\n250 PIPELINING\r\n"

/* A peer that answers each burst when it is complete never has more than 4096 bytes of commands to hold. */
START_TEST(test_K_5_burst)
{
	static const char *const hellos[] = { HANDSHAKE };
	const size_t rcpts = 5000;
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct envelope *e = envelope_new();
	struct dialogue *d = start(m, e, rcpts);
	struct buf out;
	size_t commands = 0;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(dialogue_speak(d, &out), DIALOGUE_REPLY);
		hears(d, hellos[i]);
		buf_clear(&out);
	}
	while (dialogue_speak(d, &out) == DIALOGUE_REPLY) {
		ck_assert_uint_le(out.len, 4096);
		ck_assert_uint_gt(out.len, 0);
		for (char *at = out.data; (at = strchr(at, '\n')); at++, commands++)
			hears(d, strncmp(at - 5, "DATA", 4) == 0 ? "354 go\r\n" : "250 ok\r\n");
		buf_clear(&out);
	}
	ck_assert_uint_eq(commands, rcpts + 2);
	dialogue_content_sent(d);
	for (size_t i = 0; i < rcpts; i++)
		hears(d, "250 ok\r\n");
	ck_assert_int_eq(dialogue_speak(d, &out), DIALOGUE_IDLE);
	ck_assert_uint_eq(count_verdicts(d, OUTCOME_SENT), rcpts);
	buf_free(&out);
	finish(d, m, e);
}
END_TEST

/* DATA did not fit into the burst, and when its turn comes there is nobody left. */
START_TEST(test_burst_before_data)
{
	static const char *const hellos[] = { HANDSHAKE };
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct envelope *e = envelope_new();
	struct dialogue *d;
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < 204; i++)
		envelope_add(e, "a@x.test", NULL, 0);
	d = start(m, e, 0);
	for (size_t i = 0; i < 2; i++) {
		dialogue_speak(d, &out);
		hears(d, hellos[i]);
	}
	buf_clear(&out);
	ck_assert_int_eq(dialogue_speak(d, &out), DIALOGUE_REPLY);
	ck_assert_uint_eq(out.len, 14 + 204 * 20);
	hears(d, "250 ok\r\n");
	for (size_t i = 0; i < 204; i++)
		hears(d, "550 no\r\n");
	buf_clear(&out);
	ck_assert_int_eq(dialogue_speak(d, &out), DIALOGUE_IDLE);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_uint_eq(count_verdicts(d, OUTCOME_BOUNCED), 204);
	buf_free(&out);
	finish(d, m, e);
}
END_TEST

/* ORCPT from the recipient as it was before rewriting (RFC 3461 4.2, RFC 6533 3). */
static const struct {
	const char *orcpt, *original;
	bool smtputf8;
	const char *line;
} orcpts[] = {
	{ NULL, NULL, true, "RCPT TO:<a@x.test>" },
	{ NULL, "o+d@x.test", false, "RCPT TO:<a@x.test> ORCPT=rfc822;o+2Bd@x.test" },
	{ NULL, "\"o o\"@x.test", false, "RCPT TO:<a@x.test> ORCPT=rfc822;\"o+20o\"@x.test" },
	{ NULL, "\303\251+x\\@x.test", true, "RCPT TO:<a@x.test> ORCPT=utf-8;\\x{E9}\\x{2B}x\\x{5C}@x.test" },
	{ NULL, "\303\251@x.test", false, "RCPT TO:<a@x.test>" },
	{ "rfc822;q@x", "o@x.test", false, "RCPT TO:<a@x.test> ORCPT=rfc822;q@x" },
	{ "utf-8;\303\251@x", "o@x.test", false, "RCPT TO:<a@x.test>" },
	{ "utf-8;\303\251@x", "o@x.test", true, "RCPT TO:<a@x.test> ORCPT=utf-8;\303\251@x" },
};

START_TEST(test_orcpt)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct envelope *e = envelope_new();
	struct envelope_rcpt *r = envelope_add(e, "a@x.test", orcpts[_i].orcpt, 0);
	struct dialogue *d;
	struct buf out;

	buf_init(&out, 1 << 20);
	r->original = orcpts[_i].original ? strdup(orcpts[_i].original) : NULL;
	e->smtputf8 = orcpts[_i].smtputf8;
	d = start(m, e, 0);
	hears(d, "220 s\r\n");
	dialogue_speak(d, &out);
	hears(d, orcpts[_i].smtputf8 ? "250-s\r\n250-DSN\r\n250 SMTPUTF8\r\n" : "250-s\r\n250 DSN\r\n");
	dialogue_speak(d, &out);
	hears(d, "250 ok\r\n");
	buf_clear(&out);
	ck_assert_int_eq(dialogue_speak(d, &out), DIALOGUE_REPLY);
	out.data[strcspn(out.data, "\r")] = '\0';
	ck_assert_str_eq(out.data, orcpts[_i].line);
	buf_free(&out);
	finish(d, m, e);
}
END_TEST

START_TEST(test_endless)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct envelope *e = envelope_new();
	struct dialogue *d = start(m, e, 2);
	struct buf out;

	buf_init(&out, 1 << 20);
	for (int i = 0; i < REPLY_BYTES_MAX / 4; i++)
		hears(d, "220-\n");
	ck_assert_int_eq(dialogue_speak(d, &out), DIALOGUE_END);
	ck_assert_uint_eq(count_verdicts(d, OUTCOME_DEFERRED), 2);
	ck_assert_str_eq(dialogue_complaint(d), "mx.test: sent a reply without end");
	ck_assert_uint_le(strlen(dialogue_transcript(d)), 16384);
	buf_free(&out);
	finish(d, m, e);
}
END_TEST

/* What a session says about its destination, by what the peer does at which point. */
static const struct {
	const char *heard[4];   /* a piece each; NULL: nothing more, the link breaks */
	enum site site;
} sites[] = {
	{ { NULL }, SITE_BUSY },
	{ { "421 busy\r\n" }, SITE_DEAD },
	{ { "554 no\r\n" }, SITE_DEAD },
	{ { "220 s\r\n" }, SITE_DEAD },
	{ { "220 s\r\n", "451 no\r\n" }, SITE_DEAD },
	{ { HANDSHAKE }, SITE_DEAD },
	{ { HANDSHAKE, "451 no\r\n503 no\r\n503 no\r\n" }, SITE_FINE },
	{ { HANDSHAKE, "250 ok\r\n451 no\r\n503 no\r\n" }, SITE_FINE },
	{ { HANDSHAKE, "250 ok\r\n250 ok\r\n451 no\r\n" }, SITE_FINE },
	{ { HANDSHAKE, "250 ok\r\n250 ok\r\n" }, SITE_DEAD },
	{ { HANDSHAKE, "250 ok\r\n250 ok\r\n354 go\r\n", "451 no\r\n" }, SITE_FINE },
	{ { HANDSHAKE, "350 odd\r\n" }, SITE_FINE },
};

START_TEST(test_site)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct envelope *e = envelope_new();
	struct dialogue *d = start(m, e, 1);
	struct buf out;
	const char *reason;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < UNIT_ROWS(sites[_i].heard) && sites[_i].heard[i]; i++) {
		if (dialogue_speak(d, &out) == DIALOGUE_CONTENT)
			dialogue_content_sent(d);
		hears(d, sites[_i].heard[i]);
	}
	dialogue_speak(d, &out);
	dialogue_lost(d, NULL);
	ck_assert_int_eq(dialogue_site(d, &reason), sites[_i].site);
	ck_assert_int_eq(reason != NULL, sites[_i].site != SITE_FINE);
	ck_assert_uint_eq(count_verdicts(d, OUTCOME_DEFERRED), 1);
	buf_free(&out);
	finish(d, m, e);
}
END_TEST

/* Every stage has its time limit, and the final replies have one together. */
START_TEST(test_timeouts)
{
	static const struct {
		const char *name, *value;
	} limits[] = {
		{ "lhlo_timeout", "1s" }, { "mail_timeout", "2s" }, { "rcpt_timeout", "3s" },
		{ "data_init_timeout", "4s" },
		{ "data_xfer_timeout", "5s" }, { "data_done_timeout", "6s" }, { "quit_timeout", "7s" },
	};
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct envelope *e = envelope_new();
	struct dialogue *d = start(m, e, 3);
	struct buf out;
	unsigned progress;
	const char *why;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < UNIT_ROWS(limits); i++)
		ck_assert(manner_set(m, limits[i].name, limits[i].value, &why));
	ck_assert_int_eq(dialogue_timeout(d), 1000);
	hears(d, "220 s\r\n");
	dialogue_speak(d, &out);
	ck_assert_int_eq(dialogue_timeout(d), 1000);
	hears(d, "250-s\r\n250 PIPELINING\r\n");
	dialogue_speak(d, &out);
	ck_assert_int_eq(dialogue_timeout(d), 2000);
	hears(d, "250 ok\r\n");
	ck_assert_int_eq(dialogue_timeout(d), 3000);
	hears(d, "250 ok\r\n250 ok\r\n250 ok\r\n");
	ck_assert_int_eq(dialogue_timeout(d), 4000);
	hears(d, "354 go\r\n");
	ck_assert_int_eq(dialogue_speak(d, &out), DIALOGUE_CONTENT);
	ck_assert_int_eq(dialogue_timeout(d), 5000);
	dialogue_content_sent(d);
	ck_assert_int_eq(dialogue_timeout(d), 26000);
	progress = dialogue_progress(d);
	hears(d, "552 5.2.3 large\r\n");
	ck_assert_int_eq(dialogue_timeout(d), 5000);
	ck_assert_uint_ne(dialogue_progress(d), progress);
	progress = dialogue_progress(d);
	hears(d, "552 5.2.3 large\r\n");
	ck_assert_int_eq(dialogue_timeout(d), 26000);
	ck_assert_uint_ne(dialogue_progress(d), progress);
	hears(d, "250 ok\r\n");
	ck_assert_int_eq(dialogue_speak(d, &out), DIALOGUE_IDLE);
	ck_assert_int_eq(dialogue_timeout(d), 0);
	ck_assert_uint_eq(count_verdicts(d, OUTCOME_BOUNCED), 2);
	dialogue_quit(d);
	dialogue_speak(d, &out);
	ck_assert_int_eq(dialogue_timeout(d), 7000);
	buf_free(&out);
	finish(d, m, e);
}
END_TEST

START_TEST(test_transcript)
{
	struct manner *m = manner_new(PROTOCOL_LMTP);
	struct envelope *e = envelope_new();
	struct dialogue *d = start(m, e, 1);
	struct buf out;

	buf_init(&out, 1 << 20);
	hears(d, "220 s\r\n");
	dialogue_speak(d, &out);
	hears(d, "250-s\r\n250 one\033\r\n");
	dialogue_speak(d, &out);
	hears(d, "350 odd\r\n");
	ck_assert_str_eq(dialogue_transcript(d), "In:  220 s\nOut: LHLO $myhostname\nIn:  250-s\nIn:  250 one?\n"
	                 "Out: MAIL FROM:<>\nIn:  350 odd\n");
	ck_assert_str_eq(dialogue_complaint(d), "mx.test: sent a reply that is out of place: 350 odd");
	count_verdicts(d, OUTCOME_SENT);
	buf_free(&out);
	finish(d, m, e);
}
END_TEST

START_TEST(test_begin_twice)
{
	struct envelope *e = envelope_new();
	struct transaction t = { .envelope = e };

	dialogue_begin(start(manner_new(PROTOCOL_LMTP), e, 1), &t);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "burst", test_K_5_burst, 1, 0 },
		{ "burst before DATA", test_burst_before_data, 1, 0 },
		{ "orcpt", test_orcpt, UNIT_ROWS(orcpts), 0 },
		{ "endless", test_endless, 1, 0 },
		{ "site", test_site, UNIT_ROWS(sites), 0 },
		{ "timeouts", test_timeouts, 1, 0 },
		{ "transcript", test_transcript, 1, 0 },
		{ "begins twice", test_begin_twice, 1, SIGABRT },
	};

	return unit_main("talk/dialogue limits", cases, UNIT_ROWS(cases));
}
