/* The failure policy: every stage, every class of reply and none, with and without another host to ask. */
#include "unit.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "talk/verdict.h"

static const int codes[] = { 150, 250, 354, 451, 550, 999, 0 /* no reply */ };

/* One letter for each of them: - what was hoped for, D deferred, B bounced, K the next host, A again at
 * once. */
static const struct {
	enum stage stage;
	const char *last, *more;
	const char *site;   /* F fine, B busy, D dead */
} policies[] = {
	{ STAGE_LOOKUP,   "D-DDBDD", "K-KKBKK", "DFDDDDD" },
	{ STAGE_CONNECT,  "D-DDBDD", "K-KKBKK", "DFDDDDD" },
	{ STAGE_GREETING, "D-DDDDD", "K-KKKKK", "DFDDDDB" },
	{ STAGE_HELO,     "D-DDBDD", "K-KKBKK", "DFDDDDD" },
	{ STAGE_STARTTLS, "D-DDBDD", "K-KKBKK", "DFDDDDD" },
	{ STAGE_TLS,      "D-DDBDD", "K-KKBKK", "DFDDDDD" },
	{ STAGE_AUTH,     "D--DBDD", "K--KBKK", "DFFDDDD" },
	{ STAGE_XFORWARD_NAME, "D-DDDDD", "K-KKKKK", "FFFFFFD" },
	{ STAGE_XFORWARD_HELO, "D-DDDDD", "K-KKKKK", "FFFFFFD" },
	{ STAGE_MAIL,     "D-DDBDD", "K-KKBKK", "FFFFFFD" },
	{ STAGE_RCPT,     "D-DDBDD", "K-KKBKK", "FFFFFFD" },
	{ STAGE_DATA,     "DD-DBDD", "KK-KBKK", "FFFFFFD" },
	{ STAGE_CONTENT,  "D-DDBDD", "K-KKBKK", "FFFFFFD" },
	{ STAGE_DOT,      "D-DDBDD", "D-DKBDD", "FFFFFFD" },
	{ STAGE_RSET,     "A-AAAAA", "A-AAAAA", "FFFFFFF" },
	{ STAGE_QUIT,     "D-DDDDD", "D-DDDDD", "FFFFFFF" },
	{ STAGE_IDLE,     "A-AAAAA", "A-AAAAA", "FFFFFFF" },
	{ STAGE_LOCAL,    "D-DDBDD", "D-DDBDD", "FFFFFFF" },
};

static enum reply_meaning meaning_of(enum stage stage, int code)
{
	struct reply r = { .code = code, .dsn = "4.0.0", .text = "" };

	return code ? reply_meaning(stage, &r, false) : MEANS_LOST;
}

static char letter(const struct policy *p, enum stage stage, enum reply_meaning meaning)
{
	if (meaning == MEANS_YES)
		return '-';
	return "?SDBKAO"[verdict_policy(p, stage, meaning)];
}

START_TEST(test_policy)
{
	struct policy last = { .last_host = true, .skip_5xx_greeting = true };
	struct policy more = { .skip_5xx_greeting = true };
	enum stage stage = policies[_i].stage;

	ck_assert_uint_eq(UNIT_ROWS(policies), STAGE_COUNT);
	for (size_t i = 0; i < UNIT_ROWS(codes); i++) {
		enum reply_meaning meaning = meaning_of(stage, codes[i]);

		ck_assert_msg(letter(&last, stage, meaning) == policies[_i].last[i], "%d on the last host", codes[i]);
		ck_assert_msg(letter(&more, stage, meaning) == policies[_i].more[i], "%d with more hosts", codes[i]);
		ck_assert_msg("FBD"[site_after(stage, meaning)] == policies[_i].site[i], "%d: site", codes[i]);
	}
}
END_TEST

/* Options that soften what is final. */
static const struct {
	bool soft_bounce, skip_5xx_greeting, last;
	enum stage stage;
	enum outcome outcome;
} softened[] = {
	{ false, false, true, STAGE_GREETING, OUTCOME_BOUNCED },
	{ false, false, false, STAGE_GREETING, OUTCOME_BOUNCED },
	{ false, true, true, STAGE_GREETING, OUTCOME_DEFERRED },
	{ false, true, false, STAGE_GREETING, OUTCOME_KEEP },
	{ true, false, true, STAGE_GREETING, OUTCOME_DEFERRED },
	{ true, false, false, STAGE_GREETING, OUTCOME_KEEP },
	{ true, true, true, STAGE_RCPT, OUTCOME_DEFERRED }, { true, true, false, STAGE_RCPT, OUTCOME_KEEP },
	{ false, true, true, STAGE_RCPT, OUTCOME_BOUNCED }, { false, true, false, STAGE_DOT, OUTCOME_BOUNCED },
	{ true, true, false, STAGE_DOT, OUTCOME_KEEP }, { true, false, true, STAGE_LOCAL, OUTCOME_DEFERRED },
};

START_TEST(test_softened)
{
	struct policy p = {
		.last_host = softened[_i].last, .soft_bounce = softened[_i].soft_bounce,
		.skip_5xx_greeting = softened[_i].skip_5xx_greeting,
	};

	ck_assert_int_eq(verdict_policy(&p, softened[_i].stage, MEANS_NEVER), softened[_i].outcome);
}
END_TEST

static const struct {
	int code;
	const char *dsn;
	bool others;
	enum reply_meaning meaning;
} too_many[] = {
	{ 452, "4.5.3", true, MEANS_TOO_MANY }, { 452, "4.0.0", true, MEANS_TOO_MANY },
	{ 452, "4.3.1", true, MEANS_TOO_MANY },
	{ 552, "5.5.3", true, MEANS_TOO_MANY }, { 552, "5.0.0", true, MEANS_TOO_MANY },
	{ 452, "4.5.3", false, MEANS_LATER }, { 552, "5.5.3", false, MEANS_NEVER },
	{ 452, "4.2.2", true, MEANS_LATER },
	{ 552, "5.2.2", true, MEANS_NEVER }, { 451, "4.5.3", true, MEANS_LATER },
	{ 550, "5.5.3", true, MEANS_NEVER },
};

START_TEST(test_too_many)
{
	struct reply r = { .code = too_many[_i].code, .text = "" };

	strcpy(r.dsn, too_many[_i].dsn);
	ck_assert_int_eq(reply_meaning(STAGE_RCPT, &r, too_many[_i].others), too_many[_i].meaning);
	ck_assert_int_eq(reply_meaning(STAGE_DOT, &r, true), r.code < 500 ? MEANS_LATER : MEANS_NEVER);
}
END_TEST

static const struct {
	enum stage stage;
	enum reply_meaning meaning;
	bool last, lmtp;
	struct reply reply;
	const char *dsn, *text;
} refusals[] = {
	{ STAGE_GREETING, MEANS_NEVER, true, true,
	  { .code = 554, .dsn = "5.7.1", .text = "554 5.7.1 no" }, "4.7.1",
	  "host mx[1] refused to talk to me: 554 5.7.1 no" },
	{ STAGE_HELO, MEANS_NEVER, true, true,
	  { .code = 500, .dsn = "5.0.0", .text = "500 no" }, "5.0.0",
	  "host mx[1] refused to talk to me: 500 no" },
	{ STAGE_STARTTLS, MEANS_LATER, true, true,
	  { .code = 454, .dsn = "4.0.0", .text = "454 no" }, "4.0.0",
	  "TLS is required, but host mx[1] refused to start TLS: 454 no" },
	{ STAGE_AUTH, MEANS_NEVER, true, true,
	  { .code = 535, .dsn = "5.7.8", .text = "535 5.7.8 no" }, "5.7.8",
	  "SASL authentication failed; server mx[1] said: 535 5.7.8 no" },
	{ STAGE_MAIL, MEANS_LATER, true, true,
	  { .code = 451, .dsn = "4.3.0", .text = "451 4.3.0 no" }, "4.3.0",
	  "host mx[1] said: 451 4.3.0 no (in reply to MAIL FROM command)" },
	{ STAGE_RCPT, MEANS_NEVER, true, true,
	  { .code = 550, .dsn = "5.1.1", .text = "550-a\n550 5.1.1 b" }, "5.1.1",
	  "host mx[1] said: 550-a 550 5.1.1 b (in reply to RCPT TO command)" },
	{ STAGE_RCPT, MEANS_TOO_MANY, true, true,
	  { .code = 552, .dsn = "5.5.3", .text = "552 5.5.3 many" }, "4.5.3",
	  "host mx[1] said: 552 5.5.3 many (in reply to RCPT TO command)" },
	{ STAGE_DATA, MEANS_PROTOCOL, true, true,
	  { .code = 250, .dsn = "2.0.0", .text = "250 ok" }, "4.5.0",
	  "Protocol error: host mx[1] said: 250 ok (in reply to DATA command)" },
	{ STAGE_DOT, MEANS_NEVER, false, false,
	  { .code = 554, .dsn = "5.6.0", .text = "554 5.6.0 no" }, "5.6.0",
	  "host mx[1] said: 554 5.6.0 no (in reply to end of DATA command)" },
	{ STAGE_DOT, MEANS_LATER, false, true,
	  { .code = 421, .dsn = "4.3.2", .text = "421 4.3.2 bye" }, "4.3.2",
	  "host mx[1] said: 421 4.3.2 bye (in reply to end of DATA command -- message may be sent more than "
	  "once)" },
};

START_TEST(test_refused)
{
	struct policy p = {
		.last_host = refusals[_i].last, .skip_5xx_greeting = true, .lmtp = refusals[_i].lmtp,
	};
	const struct reply *r = &refusals[_i].reply;
	struct verdict v = { 0 }, copy = { 0 };

	verdict_refused(&v, &p, refusals[_i].stage, refusals[_i].meaning, r, "mx[1]");
	ck_assert_int_eq(v.code, r->code);
	ck_assert_int_eq(v.stage, refusals[_i].stage);
	ck_assert_str_eq(v.dsn, refusals[_i].dsn);
	ck_assert_str_eq(v.text, refusals[_i].text);
	ck_assert_ptr_nonnull(strstr(v.text, v.reply));
	ck_assert_int_eq(v.maybe_twice, r->code == 421);
	ck_assert(!v.maybe_twice || v.outcome == OUTCOME_DEFERRED);
	verdict_copy(&copy, &v);
	ck_assert_ptr_ne(copy.text, v.text);
	verdict_clear(&v);
	ck_assert_ptr_null(v.text);
	ck_assert_str_eq(copy.text, refusals[_i].text);
	verdict_clear(&copy);
}
END_TEST

static const struct {
	enum stage stage;
	const char *dsn, *text, *kept;
	enum outcome outcome;
	bool twice;
} losses[] = {
	{ STAGE_MAIL, "4.4.2", "lost", "lost", OUTCOME_KEEP, false },
	{ STAGE_CONTENT, "4.4.2", "lost", "lost", OUTCOME_KEEP, false },
	{ STAGE_DOT, "4.4.2", "lost", "lost", OUTCOME_DEFERRED, true },
	{ STAGE_MAIL, "5.3.4", "too large", "too large", OUTCOME_BOUNCED, false },
	{ STAGE_LOCAL, "4.3.0", "a\nb\033c", "a?b?c", OUTCOME_DEFERRED, false },
};

START_TEST(test_lost)
{
	struct policy p = { 0 };
	struct verdict v = { 0 };

	verdict_lost(&v, &p, losses[_i].stage, losses[_i].dsn, losses[_i].text);
	ck_assert_int_eq(v.outcome, losses[_i].outcome);
	ck_assert_int_eq(v.maybe_twice, losses[_i].twice);
	ck_assert_str_eq(v.dsn, losses[_i].dsn);
	ck_assert_str_eq(v.text, losses[_i].kept);
	ck_assert_int_eq(v.code, 0);
	ck_assert_ptr_null(v.reply);
	verdict_clear(&v);
}
END_TEST

START_TEST(test_sent)
{
	char *words = mem_alloc(9000);
	struct reply r = { .code = 250, .dsn = "2.1.5", .text = words };
	struct verdict v = { 0 };

	memset(words, 'x', 8000);
	verdict_sent(&v, &r);
	ck_assert_int_eq(v.outcome, OUTCOME_SENT);
	ck_assert_str_eq(v.dsn, "2.1.5");
	ck_assert_str_eq(v.text, v.reply);
	ck_assert_uint_lt(strlen(v.text), 2100);
	verdict_clear(&v);
	free(words);
}
END_TEST

START_TEST(test_words)
{
	ck_assert_str_eq(stage_doing(STAGE_HELO, true), "performing the LHLO handshake");
	ck_assert_str_eq(stage_doing(STAGE_HELO, false), "performing the EHLO handshake");
	ck_assert_int_eq(stage_scope(STAGE_DOT, true), SCOPE_RCPT);
	ck_assert_int_eq(stage_scope(STAGE_DOT, false), SCOPE_MESSAGE);
	for (int s = 0; s < STAGE_COUNT; s++) {
		ck_assert_ptr_nonnull(stage_doing((enum stage)s, false));
		ck_assert_ptr_nonnull(stage_command((enum stage)s, true));
	}
}
END_TEST

START_TEST(test_no_failure)
{
	struct policy p = { 0 };

	verdict_policy(&p, STAGE_MAIL, MEANS_YES);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "policy", test_policy, UNIT_ROWS(policies), 0 },
		{ "softened", test_softened, UNIT_ROWS(softened), 0 },
		{ "too many", test_too_many, UNIT_ROWS(too_many), 0 },
		{ "refused", test_refused, UNIT_ROWS(refusals), 0 },
		{ "lost", test_lost, UNIT_ROWS(losses), 0 },
		{ "sent", test_sent, 1, 0 },
		{ "words", test_words, 1, 0 },
		{ "no failure", test_no_failure, 1, SIGABRT },
	};

	return unit_main("talk/verdict", cases, UNIT_ROWS(cases));
}
