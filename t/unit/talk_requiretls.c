/* Mail that asks for REQUIRETLS, in the dialogue (behaviour, E-11, M-3). */
#include "unit.h"

#include "talk_script.h"
#include "talk/requiretls.h"

#define EHLO "C: EHLO me.test\n"
#define START "S: 220 mx ESMTP\n" EHLO "S: 250-mx\nS: 250-REQUIRETLS\nS: 250 STARTTLS\nC: STARTTLS\n"
#define CLEAR "S: 220 mx ESMTP\n" EHLO "S: 250-mx\nS: 250-DSN\nS: 250-REQUIRETLS\nS: 250 PIPELINING\n"
#define INSIDE "S: 220 go\nC: <tls>\n" EHLO "S: 250-mx\nS: 250-PIPELINING\nS: 250-DSN\nS: 250 REQUIRETLS\n"
#define WITHOUT "S: 220 go\nC: <tls>\n" EHLO "S: 250-mx\nS: 250-PIPELINING\nS: 250 DSN\n"
#define SEND(parameters) "C: MAIL FROM:<s@x.test>" parameters "\nC: RCPT TO:<a@x.test>\nC: DATA\n" \
	"S: 250 ok\nS: 250 ok\n" \
	"S: 354 go\nC: <content>\nS: 250 2.0.0 saved\n"
#define SENT "a sent 2.0.0 250 2.0.0 saved\n"
#define QUIT "C: QUIT\nS: 221 bye\n"
#define MAY "tls_security_level=may;"
#define SECURE "tls_security_level=secure;"
#define FULL " FROM:<s@x.test> RET=FULL ENVID=x"

static const struct script goes[] = {
	{ "not asked for", SCRIPT_SMTP, MAY, NULL, "a", START INSIDE SEND(""), "idle", SENT },
	{ "opportunistic, known inside TLS", SCRIPT_SMTP | SCRIPT_OPPORTUNISTIC, MAY, FULL, "a",
	  START INSIDE SEND(" ENVID=x RET=FULL REQUIRETLS"), "idle", SENT },
	{ "opportunistic, announced outside of TLS only", SCRIPT_SMTP | SCRIPT_OPPORTUNISTIC, MAY, FULL, "a",
	  START WITHOUT SEND(" ENVID=x RET=HDRS"), "idle", SENT },
	{ "opportunistic, no TLS", SCRIPT_SMTP | SCRIPT_OPPORTUNISTIC, MAY, NULL, "a", CLEAR SEND(" RET=HDRS"),
		"idle", SENT },
	{ "opportunistic, STARTTLS refused", SCRIPT_SMTP | SCRIPT_OPPORTUNISTIC, MAY, NULL, "a",
	  START "S: 454 4.7.0 no\nC: MAIL FROM:<s@x.test>\n--\nS: 250 ok\nC: RCPT TO:<a@x.test>\nS: 250 ok\nC: "
	  "DATA\nS: 354 go\nC: <content>\nS: 250 2.0.0 saved\n", "idle", SENT },
	{ "a server that has no DSN hears nothing of RET", SCRIPT_SMTP | SCRIPT_OPPORTUNISTIC, MAY, FULL, "a",
	  START "S: 220 go\nC: <tls>\n" EHLO "S: 250-mx\nS: 250 PIPELINING\n" SEND(""), "idle", SENT },
	{ "starttls, unknown inside", SCRIPT_SMTP | SCRIPT_STARTTLS, MAY, NULL, "a",
		START WITHOUT SEND(" RET=HDRS"), "idle",
	  SENT },
	{ "starttls, known inside", SCRIPT_SMTP | SCRIPT_STARTTLS, MAY, NULL, "a",
		START INSIDE SEND(" REQUIRETLS"), "idle",
	  SENT },
	{ "enforce", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE, NULL, "a", START INSIDE SEND(" REQUIRETLS"), "idle",
		SENT },
	{ "enforce, TLS first", SCRIPT_SMTP | SCRIPT_ENFORCE | SCRIPT_TLS_FIRST, SECURE, NULL, "a",
	  "C: <tls>\nS: 220 mx ESMTP\n" EHLO "S: 250-mx\nS: 250-PIPELINING\nS: 250 REQUIRETLS\n" SEND(" "
	  "REQUIRETLS"), "idle", SENT },
	{ "behind SMTPUTF8, before AUTH", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE,
		" FROM:<s@x.test> AUTH=me SMTPUTF8", "a",
	  START "S: 220 go\nC: <tls>\n" EHLO "S: 250-mx\nS: 250-PIPELINING\nS: 250-SMTPUTF8\nS: 250-AUTH "
	  "PLAIN\nS: 250-SIZE\nS: 250 REQUIRETLS\n" SEND(" SIZE=1000 SMTPUTF8 REQUIRETLS AUTH=me"), "idle",
	  SENT },
	{ "a report is rather sent without", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE, " FROM:<>", "a",
	  START WITHOUT "C: MAIL FROM:<> RET=HDRS\nC: RCPT TO:<a@x.test>\nC: DATA\nS: 250 ok\nS: 250 ok\n"
	  "S: 354 go\nC: <content>\nS: 250 2.0.0 saved\n", "idle", SENT },
	{ "each transaction says so", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE, NULL, "a",
	  START INSIDE SEND(" REQUIRETLS") "+ a\n" SEND(" REQUIRETLS"), "idle", SENT SENT },
};

static const struct script stops[] = {
	{ "starttls, not offered", SCRIPT_SMTP | SCRIPT_STARTTLS, MAY, NULL, "a", CLEAR QUIT, "end",
	  "a bounced 5.7.30 The sender asks for REQUIRETLS, but host mx.test[/s] does not offer TLS\n" },
	{ "enforce, not offered", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE, NULL, "a", CLEAR QUIT, "end",
		"a bounced 5.7.30 *\n" },
	{ "starttls, not offered, other hosts", SCRIPT_SMTP | SCRIPT_STARTTLS | SCRIPT_MORE_HOSTS, MAY, NULL, "a",
		CLEAR QUIT,
	  "end", "a keep 4.7.30 *\n" },
	{ "starttls, not offered, soft_bounce", SCRIPT_SMTP | SCRIPT_STARTTLS | SCRIPT_SOFT_BOUNCE, MAY, NULL,
		"a", CLEAR QUIT,
	  "end", "a deferred 4.7.30 *\n" },
	{ "starttls, refused for now", SCRIPT_SMTP | SCRIPT_STARTTLS, MAY, NULL, "a",
		START "S: 454 4.7.0 no\n" QUIT, "end",
	  "a bounced 5.7.10 The sender asks for REQUIRETLS, but host mx.test[/s] refused to start TLS: 454 4.7.0 "
	  "no\n" },
	{ "enforce, refused for ever", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE, NULL, "a",
		START "S: 502 5.5.1 no\n" QUIT, "end",
	  "a bounced 5.7.10 *\n" },
	{ "starttls, refused, other hosts", SCRIPT_SMTP | SCRIPT_STARTTLS | SCRIPT_MORE_HOSTS, MAY, NULL, "a",
	  START "S: 502 5.5.1 no\n" QUIT, "end", "a keep 4.7.10 *\n" },
	{ "starttls, 421", SCRIPT_SMTP | SCRIPT_STARTTLS, MAY, NULL, "a", START "S: 421 4.3.2 bye\n", "end",
	  "a deferred 4.3.2 *\n" },
	{ "starttls, a code out of place", SCRIPT_SMTP | SCRIPT_STARTTLS, MAY, NULL, "a", START "S: 354 go\n",
		"end",
	  "a deferred 4.5.0 *\n" },
	{ "starttls, nothing to do it with here", SCRIPT_SMTP | SCRIPT_STARTTLS | SCRIPT_NO_TLS, MAY, NULL, "a",
	  "S: 220 mx ESMTP\n" EHLO "S: 250-mx\nS: 250 STARTTLS\n" QUIT, "end", "a deferred 4.7.5 *\n" },
	{ "starttls, the handshake fails", SCRIPT_SMTP | SCRIPT_STARTTLS, MAY, NULL, "a",
		START "S: 220 go\nC: <tls fails>\n",
	  "end", "a deferred 4.7.5 *\n" },
	{ "enforce, another peer", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE, NULL, "a",
		START "S: 220 go\nC: <tls refuses>\n" QUIT,
	  "end", "a bounced 5.7.10 The sender asks for REQUIRETLS, but host mx.test[/s]: Server certificate not "
	  "verified\n" },
	{ "enforce, another peer, other hosts", SCRIPT_SMTP | SCRIPT_ENFORCE | SCRIPT_MORE_HOSTS, SECURE, NULL,
		"a",
	  START "S: 220 go\nC: <tls refuses>\n" QUIT, "end", "a keep 4.7.10 *\n" },
	{ "starttls, another peer where the level minds", SCRIPT_SMTP | SCRIPT_STARTTLS, SECURE, NULL, "a",
	  START "S: 220 go\nC: <tls refuses>\n" QUIT, "end", "a deferred 4.7.5 *\n" },
	{ "enforce, unknown inside", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE, NULL, "a", START WITHOUT QUIT, "end",
	  "a bounced 5.7.30 The sender asks for REQUIRETLS, which host mx.test[/s] does not offer\n" },
	{ "enforce, unknown inside, other hosts", SCRIPT_SMTP | SCRIPT_ENFORCE | SCRIPT_MORE_HOSTS, SECURE, NULL,
		"a",
	  START WITHOUT QUIT, "end", "a keep 4.7.30 *\n" },
	{ "enforce, discarded", SCRIPT_SMTP | SCRIPT_ENFORCE,
		SECURE "discard_ehlo_keywords=requiretls,silent-discard;", NULL, "a",
	  START INSIDE QUIT, "end", "a bounced 5.7.30 *\n" },
	{ "enforce, HELO inside", SCRIPT_SMTP | SCRIPT_ENFORCE, SECURE, NULL, "a",
	  START "S: 220 go\nC: <tls>\n" EHLO "S: 502 what\nC: HELO me.test\nS: 250 mx\n" QUIT, "end",
	  "a bounced 5.7.30 *\n" },
};

START_TEST(test_goes) { script_check(&goes[_i]); } END_TEST
START_TEST(test_stops) { script_check(&stops[_i]); } END_TEST

static const struct { const char *word; bool known; enum requiretls action; } words[] = {
	{ "disable", true, REQUIRETLS_OFF }, { "opportunistic", true, REQUIRETLS_OPPORTUNISTIC },
	{ "Opportunistic+STARTTLS", true, REQUIRETLS_STARTTLS }, { "enforce", true, REQUIRETLS_ENFORCE },
	{ "error", true, REQUIRETLS_ERROR }, { "", false, 0 }, { "enforced", false, 0 },
	{ "opportunistic+", false, 0 },
	{ "enforce opportunistic", false, 0 }, { " enforce", false, 0 }, { "none", false, 0 },
};

START_TEST(test_words)
{
	enum requiretls action;

	ck_assert(requiretls_read(text_of(words[_i].word), &action) == words[_i].known);
	if (words[_i].known)
		ck_assert_int_eq(action, words[_i].action);
	if (words[_i].known)
		ck_assert(text_is_nocase(text_of(words[_i].word), requiretls_name(action)));
}
END_TEST

static const struct { struct requiretls_outcome outcome; const char *text; } outcomes[] = {
	{ { REQUIRETLS_UNDECIDED, false }, "requiretls?" }, { { REQUIRETLS_PASSED, false }, "requiretls" },
	{ { REQUIRETLS_NO_MATCH, false }, "requiretls:nocertmatch" },
	{ { REQUIRETLS_NO_MATCH, true }, "!requiretls:nocertmatch" },
	{ { REQUIRETLS_NO_OFFER, false }, "requiretls:none" },
	{ { REQUIRETLS_NO_OFFER, true }, "!requiretls:none" },
	{ { REQUIRETLS_NO_STARTTLS, true }, "!requiretls:nostarttls" },
	{ { REQUIRETLS_NO_ENCRYPTION, true }, "!requiretls:noencryption" },
};

START_TEST(test_outcomes)
{
	struct buf b;

	buf_init(&b, 100);
	requiretls_describe(outcomes[_i].outcome, &b);
	ck_assert_str_eq(buf_text(&b), outcomes[_i].text);
	buf_free(&b);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "goes", test_goes, UNIT_ROWS(goes), 0 },
		{ "stops", test_stops, UNIT_ROWS(stops), 0 },
		{ "words", test_words, UNIT_ROWS(words), 0 },
		{ "outcomes", test_outcomes, UNIT_ROWS(outcomes), 0 },
	};

	return unit_main("talk/requiretls", cases, UNIT_ROWS(cases));
}
