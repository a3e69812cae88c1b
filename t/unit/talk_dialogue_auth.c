/* AUTH in the conversation, with good and bad servers; each arrives whole and byte by byte. */
#include "unit.h"

#include "talk/auth.h"
#include "talk_script.h"

#define ON "sasl_auth_enable=yes;"
#define HELLO(mechanisms) "S: 220 mx ESMTP\nC: EHLO me.test\nS: 250-mx\nS: 250-PIPELINING\n" \
	"S: 250 AUTH " mechanisms "\n"
#define REST "C: MAIL FROM:<s@x.test>\nC: RCPT TO:<a@x.test>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n" \
	"C: <content>\nS: 250 2.0.0 ok\n"
#define SENT "a sent 2.0.0 250 2.0.0 ok\n"
#define PLAIN "C: AUTH PLAIN AHVzZXIAc2VjcmV0\n"
#define BYE "C: QUIT\nS: 221 bye\n"
#define CANNOT "SASL authentication failed; cannot authenticate to server mx.test[/s]: "
#define REFUSED "SASL authentication failed; server mx.test[/s] said: "
#define LONG "12345678901234567890123456789012345678901234567890" \
	"12345678901234567890123456789012345678901234567890"

/* behaviour S-1, S-2, S-3, S-4, S-11, S-13, S-15, S-19, M-7, I-13; parameters sasl_auth_enable,
 * send_dummy_mail_auth */
struct row {
	struct script script;
	struct script_login login;
};

static const struct row good[] = {
	{ { "S-1: PLAIN with its response", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 235 2.7.0 ok\n" REST, "idle", SENT },
	  { "user:secret", "" } },
	{ { "I-13: LMTP", 0, ON, NULL, "a",
	  "S: 220 store\nC: LHLO me.test\nS: 250-store\nS: 250-PIPELINING\nS: 250 AUTH PLAIN\n" PLAIN "S: 235 "
	  "ok\n" REST, "idle", SENT },
	  { "user:secret", "" } },
	{ { "S-13: LOGIN in three turns", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("LOGIN") "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\n"
	  "S: 235 ok\n" REST, "idle", SENT },
	  { "user:secret", "" } },
	{ { "EXTERNAL without a word of its own", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("EXTERNAL") "C: AUTH EXTERNAL =\nS: 235 ok\n" REST, "idle", SENT },
	  { "user", "" } },
	{ { "S-15: any 2xx", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN") PLAIN "S: 200 fine\n" REST, "idle",
		SENT },
	  { "user:secret", "" } },
	{ { "S-2: not after HELO", SCRIPT_SMTP, ON, NULL, "a",
	  "S: 220 mx\nC: EHLO me.test\nS: 502 what\nC: HELO me.test\nS: 250-mx\nS: 250 AUTH PLAIN\n"
	  "C: MAIL FROM:<s@x.test>\nS: 250 ok\nC: RCPT TO:<a@x.test>\nS: 250 ok\nC: DATA\nS: 354 go\nC: "
	  "<content>\nS: 250 2.0.0 ok\n", "idle", SENT },
	  { "user:secret", "" } },
	{ { "S-3: no credentials", SCRIPT_SMTP, ON "send_dummy_mail_auth=yes;", NULL, "a", HELLO("PLAIN") REST,
	  "idle", SENT },
	  { NULL, "" } },
	{ { "S-4: AUTH is not offered", SCRIPT_SMTP, ON, NULL, "a",
	  "S: 220 mx ESMTP\nC: EHLO me.test\nS: 250-mx\nS: 250 PIPELINING\n" REST, "idle", SENT },
	  { "user:secret", "" } },
	{ { "S-1: SASL is off", SCRIPT_SMTP, "", NULL, "a", HELLO("PLAIN") REST, "idle", SENT },
	  { "user:secret", "" } },
	{ { "E-8: the offer is discarded", SCRIPT_SMTP, ON "discard_ehlo_keywords=auth;", NULL, "a",
	  HELLO("PLAIN") REST, "idle", SENT },
	  { "user:secret", "" } },
	{ { "S-11: a response that does not fit follows", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("XOAUTH2") "C: AUTH XOAUTH2\nS: 334 \nC: "
	  "dXNlcj11c2VyAWF1dGg9QmVhcmVyIDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	  "NDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4"
	  "OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	  "NDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4"
	  "OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	  "NDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTABAQ=="
	  "\nS: 235 ok\n" REST, "idle", SENT },
	  { "user:" LONG LONG LONG LONG, "" } },
	{ { "S-19: once in a session", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 235 ok\n" REST "+ a\n" REST, "idle", SENT SENT },
	  { "user:secret", "" } },
	{ { "M-7: AUTH=<>", SCRIPT_SMTP, ON "send_dummy_mail_auth=yes;", NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 235 ok\nC: MAIL FROM:<s@x.test> AUTH=<>\nC: RCPT TO:<a@x.test>\nC: DATA\n! "
	  "lost\n", "end", "a deferred 4.4.2 lost*\n" },
	  { "user:secret", "" } },
	{ { "M-7: the message's own AUTH", SCRIPT_SMTP, ON "send_dummy_mail_auth=yes;",
		" FROM:<s@x.test> AUTH=me", "a",
	  HELLO("PLAIN") PLAIN "S: 235 ok\nC: MAIL FROM:<s@x.test> AUTH=me\nC: RCPT TO:<a@x.test>\nC: DATA\n! "
	  "lost\n", "end", "a deferred 4.4.2 lost*\n" },
	  { "user:secret", "" } },
};

/* behaviour S-7, S-12, S-14, S-16, S-17, Y-5, Z-5; parameter sasl_auth_soft_bounce, sasl_security_options */
static const struct row refused[] = {
	{ { "S-15: wrong password, softened", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 535 5.7.8 no\n" BYE, "end", "a deferred 4.7.8 " REFUSED "535 5.7.8 no\n" },
	  { "user:secret", "" } },
	{ { "S-16: wrong password, for good though there are more hosts", SCRIPT_SMTP | SCRIPT_MORE_HOSTS,
	  ON "sasl_auth_soft_bounce=no;", NULL, "a", HELLO("PLAIN") PLAIN "S: 535 5.7.8 no\n" BYE, "end",
	  "a bounced 5.7.8 " REFUSED "535 5.7.8 no\n" },
	  { "user:secret", "" } },
	{ { "S-16: softened, the next host", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 535 no\n" BYE, "end", "a keep 4.0.0 " REFUSED "535 no\n" },
	  { "user:secret", "" } },
	{ { "Y-5: not now", SCRIPT_SMTP, ON "sasl_auth_soft_bounce=no;", NULL, "a,b",
	  HELLO("PLAIN") PLAIN "S: 454 4.7.0 busy\n" BYE, "end",
	  "a deferred 4.7.0 " REFUSED "454 4.7.0 busy\nb deferred 4.7.0 " REFUSED "454 4.7.0 busy\n" },
	  { "user:secret", "" } },
	{ { "a mechanism that the server does not know after all", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 504 5.5.4 what\n" BYE, "end", "a deferred 4.5.4 " REFUSED "504 5.5.4 what\n" },
	  { "user:secret", "" } },
	{ { "421: it closes", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN") PLAIN "S: 421 4.3.2 down\n", "end",
	  "a deferred 4.3.2 " REFUSED "421 4.3.2 down\n" },
	  { "user:secret", "" } },
	{ { "S-7: nothing fit", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN LOGIN") BYE, "end",
	  "a deferred 4.7.0 SASL authentication failed; server mx.test[/s] offered no compatible authentication "
	  "mechanisms for this type of connection security*\n" },
	  { "user:secret", "noplaintext, noanonymous" } },
	{ { "S-7: an empty offer (E-9)", SCRIPT_SMTP, ON, NULL, "a",
	  "S: 220 mx ESMTP\nC: EHLO me.test\nS: 250-mx\nS: 250 AUTH\n" BYE, "end", "a deferred 4.7.0 SASL*\n" },
	  { "user:secret", "" } },
	{ { "S-5: the table cannot be asked", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN") BYE, "end",
	  "a deferred 4.3.0 no table\n" },
	  { "!no table", "" } },
	{ { "S-12: a challenge where the response was kept back", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("XOAUTH2") "C: AUTH XOAUTH2\nS: 334 Pw==\n" BYE, "end",
	  "a deferred 4.7.0 " CANNOT "the server sent a challenge where the mechanism has the first word\n" },
	  { "user:" LONG LONG LONG LONG, "" } },
	{ { "S-14: not base64", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("CRAM-MD5") "C: AUTH CRAM-MD5\nS: 334 !!!\n" BYE, "end",
	  "a deferred 4.7.0 " CANNOT "the server's challenge is not base64\n" },
	  { "user:secret", "" } },
	{ { "S-14: several lines", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("CRAM-MD5") "C: AUTH CRAM-MD5\nS: 334-PDE+\nS: 334 PDE+\n" BYE, "end",
	  "a deferred 4.7.0 " CANNOT "*\n" },
	  { "user:secret", "" } },
	{ { "one step too many", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 334 \n" BYE, "end",
	  "a deferred 4.7.0 " CANNOT "the server asks for more than the mechanism has to say\n" },
	  { "user:secret", "" } },
	{ { "S-13: challenges without end", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("LOGIN") "C: AUTH LOGIN\nS: 334 \nC: dXNlcg==\nS: 334 \nC: c2VjcmV0\nS: 334 \n" BYE, "end",
	  "a deferred 4.7.0 " CANNOT "the server asks for more than the mechanism has to say\n" },
	  { "user:secret", "" } },
	{ { "the token is refused with a description", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("XOAUTH2") "C: AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRva2VuAQE=\nS: 334 e30=\nC: \nS: 535 "
	  "5.7.8 no\n"
	  BYE, "end", "a deferred 4.7.8 " REFUSED "535 5.7.8 no\n" },
	  { "user:token", "" } },
};

/* Success that was not earned (RFC 4954 4), and other breaches. */
static const struct row broken[] = {
	{ { "235 before a response that was kept back", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("XOAUTH2") "C: AUTH XOAUTH2\nS: 235 ok\n" BYE, "end",
	  "a deferred 4.7.0 " CANNOT "the server reports success before the exchange is complete\n" },
	  { "user:" LONG LONG LONG LONG, "" } },
	{ { "235 to AUTH LOGIN", SCRIPT_SMTP, ON, NULL, "a", HELLO("LOGIN") "C: AUTH LOGIN\nS: 235 ok\n" BYE,
		"end",
	  "a deferred 4.7.0 " CANNOT "the server reports*\n" },
	  { "user:secret", "" } },
	{ { "235 before the password", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("LOGIN") "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 235 ok\n" BYE, "end",
	  "a deferred 4.7.0 " CANNOT "the server reports*\n" },
	  { "user:secret", "" } },
	{ { "235 before the server's rspauth", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("CRAM-MD5") "C: AUTH CRAM-MD5\nS: 235 ok\n" BYE, "end",
	  "a deferred 4.7.0 " CANNOT "the server reports*\n" },
	  { "user:secret", "" } },
	{ { "235 after the token was refused", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("XOAUTH2") "C: AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRva2VuAQE=\nS: 334 e30=\nC: \nS: 235 "
	  "ok\n" BYE, "end", "a deferred 4.7.0 " CANNOT "the server reports*\n" },
	  { "user:token", "" } },
	{ { "235 ahead of AUTH", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN") "S: 235 ok\n", "end",
	  "a deferred 4.5.0 Protocol error*\n" },
	  { "user:secret", "" } },
	{ { "235 twice", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN") PLAIN "S: 235 ok\nS: 235 ok\n", "end",
	  "a deferred 4.5.0 Protocol error*\n" },
	  { "user:secret", "" } },
	{ { "a code of no kind", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN") PLAIN "S: 150 ok\n", "end",
	  "a deferred 4.5.0 Protocol error*\n" },
	  { "user:secret", "" } },
	{ { "lost", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN") PLAIN "! lost\n", "end",
	  "a deferred 4.4.2 lost connection with mx.test[/s] while performing the AUTH exchange\n" },
	  { "user:secret", "" } },
	{ { "silent", SCRIPT_SMTP, ON, NULL, "a", HELLO("PLAIN") PLAIN "! timeout\n", "end",
	  "a deferred 4.4.2 conversation with mx.test[/s] timed out while performing the AUTH exchange\n" },
	  { "user:secret", "" } },
	{ { "S-20: it repeats what it was told", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 535 5.7.8 'secret' in AHVzZXIAc2VjcmV0 is wrong\n" BYE, "end",
	  "a deferred 4.7.8 " REFUSED "535 5.7.8 '***' in *** is wrong\n" },
	  { "user:secret", "" } },
	{ { "S-20: it repeats it when the login is long over", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 235 ok\nC: MAIL FROM:<s@x.test>\nC: RCPT TO:<a@x.test>\nC: DATA\n"
	  "S: 550 5.1.0 no secret AHVzZXIAc2VjcmV0\nS: 503 what\nS: 503 what\n", "idle",
	  "a bounced 5.1.0 host mx.test[/s] said: 550 5.1.0 no *** *** (in reply to MAIL FROM command)\n" },
	  { "user:secret", "" } },
	{ { "S-20: it repeats it in a breach of the protocol", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: secret?\nS: 150 secret\n", "end", "a deferred 4.5.0 Protocol error*\n" },
	  { "user:secret", "" } },
	{ { "S-20: it repeats it as a challenge", SCRIPT_SMTP, ON, NULL, "a",
	  HELLO("PLAIN") PLAIN "S: 334 c2VjcmV0\n" BYE, "end", "a deferred 4.7.0 " CANNOT "*\n" },
	  { "user:secret", "" } },
};

static void play(const struct row *r)
{
	script_check_as(&r->script, &r->login);
}

START_TEST(test_good) { play(&good[_i]); } END_TEST
START_TEST(test_refused) { play(&refused[_i]); } END_TEST
START_TEST(test_broken) { play(&broken[_i]); } END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "good", test_good, UNIT_ROWS(good), 0 },
		{ "refused", test_refused, UNIT_ROWS(refused), 0 },
		{ "broken", test_broken, UNIT_ROWS(broken), 0 },
	};
	char *why;

	if (!auth_library_open(&why)) {
		printf("%s\n", why);
		return EXIT_FAILURE;
	}
	return unit_main("talk/dialogue with AUTH", cases, UNIT_ROWS(cases));
}
