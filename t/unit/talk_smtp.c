/* Conversations as SMTP has them: greeting and EHLO, PIX firewalls, our own name, XFORWARD, one reply for
 * all. */
#include "unit.h"

#include "talk/dialogue.h"
#include "talk_script.h"

#define HELLO "S: 220 mx ESMTP\nC: EHLO me.test\n"
#define PIPE HELLO "S: 250-mx\nS: 250 PIPELINING\n"
#define PLAIN HELLO "S: 250 mx\n"
#define MAIL "C: MAIL FROM:<s@x.test>\n"
#define RCPT(who) "C: RCPT TO:<" who "@x.test>\n"
#define DATA "C: DATA\n"
#define OK "S: 250 2.0.0 ok\n"
#define GO "S: 354 go\n"
#define REFUSED "host mx.test[/s] refused to talk to me: "

/* behaviour H-1 to H-6, G-1 to G-6 */
static const struct script greetings[] = {
	{ "another good code", SCRIPT_SMTP, "", NULL, "a", "S: 221 mx\nC: EHLO me.test\n--\n", "reply", "" },
	{ "EHLO, whatever the greeting says", SCRIPT_SMTP, "", NULL, "a", "S: 220 mx\nC: EHLO me.test\n",
	  "reply", "" },
	{ "4xx", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a", "S: 421 4.3.2 busy\n", "end",
	  "a keep 4.3.2 " REFUSED "421 4.3.2 busy\n" },
	{ "5xx", SCRIPT_SMTP, "", NULL, "a", "S: 554 5.7.1 no\nC: QUIT\n", "end", "a deferred 4.7.1 "
	  REFUSED "554 5.7.1 no\n" },
	{ "5xx for good", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "skip_5xx_greeting=no;", NULL, "a",
	  "S: 554 5.7.1 no\nC: QUIT\n",
	  "end", "a bounced 5.7.1 " REFUSED "554 5.7.1 no\n" },
	{ "3xx", SCRIPT_SMTP, "", NULL, "a", "S: 354 go\n", "end", "a deferred 4.5.0 *\n" },
	{ "nothing is said before the greeting is whole", SCRIPT_SMTP, "", NULL, "a",
	  "--\nS: 220-mx\n--\nS: 220 mx\nC: EHLO me.test\n", "reply", "" },
	{ "EHLO answered 421: no HELO", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL,
	  "a", HELLO "S: 421 4.3.2 busy\n", "end",
	  "a keep 4.3.2 " REFUSED "421 4.3.2 busy\n" },
	{ "EHLO answered 4xx: HELO", SCRIPT_SMTP, "", NULL, "a", HELLO "S: 450 what\nC: HELO me.test\n"
	  OK MAIL, "reply", "" },
	{ "EHLO answered 5xx: HELO, and no features", SCRIPT_SMTP, "", NULL, "a",
	  HELLO "S: 500-mx\nS: 500 PIPELINING\nC: HELO me.test\nS: 250-mx\nS: 250-PIPELINING\nS: 250 SIZE "
	  "1\n" MAIL, "reply", "" },
	{ "EHLO answered 3xx", SCRIPT_SMTP, "", NULL, "a", HELLO "S: 354 go\n", "end",
	  "a deferred 4.5.0 *\n" },
	{ "closed after EHLO: no HELO", SCRIPT_SMTP, "", NULL, "a", HELLO "! lost\n", "end",
	  "a deferred 4.4.2 lost connection with mx.test[/s] while performing the EHLO handshake\n" },
	{ "closed after HELO", SCRIPT_SMTP, "", NULL, "a", HELLO "S: 500 what\nC: HELO me.test\n! lost\n",
	  "end",
	  "a deferred 4.4.2 lost connection with mx.test[/s] while performing the HELO handshake\n" },
	{ "HELO refused for now", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "never_send_ehlo=yes;", NULL, "a",
	  "S: 220 mx\nC: HELO me.test\nS: 450 4.7.1 no\nC: QUIT\n", "end", "a keep 4.7.1 "
	  REFUSED "450 4.7.1 no\n" },
	{ "HELO refused for good", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a",
	  HELLO "S: 502 no\nC: HELO me.test\nS: 550 5.7.1 no\nC: QUIT\n", "end", "a bounced 5.7.1 "
	  REFUSED "550 5.7.1 no\n" },
	{ "the name that is configured", SCRIPT_SMTP, "helo_name=other.test;", NULL, "a",
	  "S: 220 mx\nC: EHLO other.test\n",
	  "reply", "" },
};

/* behaviour G-7, B-28; parameters smtp_pix_workarounds, smtp_pix_workaround_threshold_time */
static const struct script pix[] = {
	{ "asterisks, young mail", SCRIPT_SMTP, "", NULL, "a",
	  "S: 220 ****2*0**\nL: enabling PIX workarounds: disable_esmtp for mx.test[/s]\nC: HELO me.test\n",
	  "reply", "" },
	{ "asterisks", SCRIPT_SMTP, "pix_workaround_threshold_time=0;", NULL, "a",
	  "S: 220 ****2*0**\nL: enabling PIX workarounds: disable_esmtp delay_dotcrlf for mx.test[/s]\nC: HELO "
	  "me.test\n", "reply", "" },
	{ "one workaround, young mail", SCRIPT_SMTP, "pix_workarounds=delay_dotcrlf;", NULL, "a",
	  "S: 220 ***\nC: EHLO me.test\n", "reply", "" },
	{ "one workaround", SCRIPT_SMTP, "pix_workarounds=delay_dotcrlf;pix_workaround_threshold_time=0;", NULL,
		"a",
	  "S: 220 ***\nL: enabling PIX workarounds: delay_dotcrlf for mx.test[/s]\nC: EHLO me.test\n",
	  "reply", "" },
	{ "none", SCRIPT_SMTP, "pix_workarounds=;", NULL, "a", "S: 220 ***\nC: EHLO me.test\n", "reply", "" },
	{ "an unknown word", SCRIPT_SMTP, "pix_workarounds=what;", NULL, "a",
	  "S: 220 ***\nC: EHLO me.test\n", "reply", "" },
	{ "a letter among them", SCRIPT_SMTP, "", NULL, "a", "S: 220 ***x***\nC: EHLO me.test\n", "reply",
	  "" },
	{ "digits that are not 2 and 0", SCRIPT_SMTP, "", NULL, "a", "S: 220 ***1\nC: EHLO me.test\n",
	  "reply", "" },
	/* a greeting without text is not one */
	{ "no text", SCRIPT_SMTP, "", NULL, "a", "S: 220\nC: EHLO me.test\n", "reply", "" },
	{ "blanks for text", SCRIPT_SMTP, "", NULL, "a", "S: 220    \nC: EHLO me.test\n", "reply", "" },
};

/* behaviour E-4 */
static const struct script own_names[] = {
	{ "our name where loops count", SCRIPT_SMTP | SCRIPT_OWN_LOOPS, "", NULL, "a",
	  HELLO "S: 250-Me.Test hello\nS: 250 PIPELINING\nL: warning: host mx.test[/s] replied to EHLO with my "
	  "own hostname me.test\nC: QUIT\n",
	  "end", "a bounced 5.4.6 mail for this destination loops back to myself: *\n" },
	{ "our name behind better hosts", SCRIPT_SMTP | SCRIPT_OWN_WAITS, "", NULL,
	  "a", HELLO "S: 250 me.test\nC: QUIT\n", "end",
	  "a deferred 4.4.6 *\n" },
	{ "our name where loops do not count", SCRIPT_SMTP, "", NULL, "a", HELLO "S: 250 me.test\n" MAIL,
	  "reply", "" },
	{ "our name on a later line", SCRIPT_SMTP | SCRIPT_OWN_LOOPS, "", NULL,
	  "a", HELLO "S: 250-mx\nS: 250 me.test\n" MAIL,
	  "reply", "" },
	{ "our name in answer to HELO", SCRIPT_SMTP | SCRIPT_OWN_LOOPS, "never_send_ehlo=yes;", NULL, "a",
	  "S: 220 mx\nC: HELO me.test\nS: 250 me.test\n" MAIL, "reply", "" },
};

#define FORWARD "send_xforward_command=yes;"
#define TAKES(list) HELLO "S: 250-mx\nS: 250-PIPELINING\nS: 250 XFORWARD " list "\n"

/* behaviour XF-1 to XF-6, E-10, K-19, Y-6, K-1 */
static const struct script forwards[] = {
	{ "two commands, pipelined, for each transaction", SCRIPT_SMTP | SCRIPT_CLIENT, FORWARD, NULL, "a",
	  TAKES("NAME ADDR PORT PROTO HELO IDENT SOURCE")
	  "C: XFORWARD NAME=c.test ADDR=192.0.2.1\n"
	  "C: XFORWARD PROTO=ESMTP HELO=say+20\"hi\"+3D+2B IDENT=3kQ9Xb2mT1 SOURCE=LOCAL\n"
	  MAIL RCPT("a") DATA OK OK OK OK GO "C: <content>\n" OK
	  "+ b\n"
	  "C: XFORWARD NAME=c.test ADDR=192.0.2.1\n"
	  "C: XFORWARD PROTO=ESMTP HELO=say+20\"hi\"+3D+2B IDENT=3kQ9Xb2mT1 SOURCE=LOCAL\n"
	  MAIL RCPT("b") DATA,
	  "reply", "a sent *\n" },
	{ "only what the server takes", SCRIPT_SMTP | SCRIPT_CLIENT, FORWARD, NULL, "a",
	  TAKES("ADDR WHAT SOURCE") "C: XFORWARD ADDR=192.0.2.1\nC: XFORWARD SOURCE=LOCAL\n"
	  MAIL RCPT("a") DATA, "reply", "" },
	{ "no command without an attribute", SCRIPT_SMTP | SCRIPT_CLIENT, FORWARD, NULL, "a",
	  TAKES("PORT IDENT") "C: XFORWARD IDENT=3kQ9Xb2mT1\n" MAIL RCPT("a") DATA, "reply", "" },
	{ "nothing that the server takes", SCRIPT_SMTP | SCRIPT_CLIENT, FORWARD, NULL, "a",
	  TAKES("") MAIL RCPT("a") DATA, "reply", "" },
	{ "not by default", SCRIPT_SMTP | SCRIPT_CLIENT, "", NULL, "a", TAKES("NAME") MAIL RCPT("a") DATA,
	  "reply", "" },
	{ "not where it is not announced", SCRIPT_SMTP | SCRIPT_CLIENT, FORWARD, NULL,
	  "a", PIPE MAIL RCPT("a") DATA, "reply",
	  "" },
	{ "LMTP too", SCRIPT_CLIENT, FORWARD, NULL, "a",
	  "S: 220 s\nC: LHLO me.test\nS: 250-s\nS: 250 XFORWARD NAME\nC: XFORWARD NAME=c.test\n" OK MAIL,
	  "reply", "" },
	{ "refused: a warning", SCRIPT_SMTP | SCRIPT_CLIENT, FORWARD, NULL, "a",
	  TAKES("NAME SOURCE") "C: XFORWARD NAME=c.test\nC: XFORWARD SOURCE=LOCAL\n" MAIL RCPT("a") DATA
	  "S: 501-5.5.4 bad\nS: 501 5.5.4 NAME\nS: 450 later\n" OK OK GO
	  "L: warning: host mx.test[/s] said: 501-5.5.4 bad 501 5.5.4 NAME (in reply to XFORWARD command)\n"
	  "L: warning: host mx.test[/s] said: 450 later (in reply to XFORWARD command)\n"
	  "C: <content>\n" OK, "idle", "a sent *\n" },
	{ "out of place", SCRIPT_SMTP | SCRIPT_CLIENT, FORWARD, NULL, "a",
	  TAKES("NAME") "C: XFORWARD NAME=c.test\n" MAIL RCPT("a") DATA "S: 354 go\n", "end",
	  "a deferred 4.5.0 *\n" },
	{ "lost meanwhile", SCRIPT_SMTP | SCRIPT_CLIENT, FORWARD, NULL, "a",
	  TAKES("NAME SOURCE") "C: XFORWARD NAME=c.test\nC: XFORWARD SOURCE=LOCAL\n"
	  MAIL RCPT("a") DATA OK "! lost\n", "end",
	  "a deferred 4.4.2 lost connection with mx.test[/s] while sending XFORWARD protocol/helo_name\n" },
};

/* behaviour O-1 to O-5, Y-7 to Y-11 */
static const struct script ends[] = {
	{ "2xx: all of them", SCRIPT_SMTP, "", NULL, "a,b,c",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") DATA OK OK "S: 550 5.1.1 no\n"
	  OK GO "C: <content>\nS: 250 2.0.0 as 1\n", "idle",
	  "b bounced 5.1.1 *\na sent 2.0.0 250 2.0.0 as 1\nc sent 2.0.0 250 2.0.0 as 1\n" },
	{ "5xx: those who were accepted", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK OK "S: 450 4.2.0 no\n"
	  GO "C: <content>\nS: 554 5.7.1 spam\n", "idle",
	  "b keep 4.2.0 *\na bounced 5.7.1 *\n" },
	{ "4xx: the next host", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\nS: 451 4.3.0 no\n", "idle", "a keep 4.3.0 *\n" },
	{ "4xx: later", SCRIPT_SMTP, "", NULL,
	  "a", PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\nS: 451 4.3.0 no\n", "idle",
	  "a deferred 4.3.0 *\n" },
	{ "3xx is out of place", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\nS: 354 go\n", "end",
	  "a deferred 4.5.0 twice *\n" },
	{ "lost: no other host", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n! lost\n", "end",
	  "a deferred 4.4.2 twice lost connection with mx.test[/s] while sending end of data -- message may be "
	  "sent more than once\n" },
	{ "no reply in time: no other host", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n! timeout\n", "end",
	  "a deferred 4.4.2 twice *\n" },
	{ "421", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\nS: 421 4.3.2 bye\n", "end",
	  "a deferred 4.3.2 twice *\n" },
	{ "354 for nobody: the dot, and one reply", SCRIPT_SMTP, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK "S: 550 5.1.1 no\n" GO "C: <dot>\nS: 554 5.5.1 nobody\n", "idle",
	  "a bounced 5.1.1 *\n" },
	{ "too many recipients: the rest at once", SCRIPT_SMTP | SCRIPT_MORE_HOSTS, "", NULL, "a,b,c",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") DATA OK OK "S: 452 4.5.3 many\n" "S: 552 5.5.3 many\n"
	  GO "C: <content>\n" OK,
	  "idle", "b again 4.5.3 *\nc again 4.5.3 *\na sent *\n" },
};

/* behaviour TR-6; parameters debug_peer_list, debug_peer_level */
static const struct script watched[] = {
	{ "the conversation in the log", SCRIPT_SMTP | SCRIPT_DEBUG, "", NULL, "a",
	  "S: 220 mx\nL: < mx.test[/s]: 220 mx\nC: EHLO me.test\nL: > mx.test[/s]: EHLO me.test\n"
	  "S: 250-mx\nS: 250-DSN\nS: 250 CHUNKING\n"
	  "L: < mx.test[/s]: 250-mx\nL: < mx.test[/s]: 250-DSN\nL: < mx.test[/s]: 250 CHUNKING\n"
	  "L: server features: DSN CHUNKING\n" MAIL "L: > mx.test[/s]: MAIL FROM:<s@x.test>\n! lost\n", "end",
	  "a deferred 4.4.2 *\n" },
	{ "a long line", SCRIPT_SMTP | SCRIPT_DEBUG, "", NULL, "a",
	  "S: 220 345678 112345678 212345678 312345678 412345678 512345678 612345678 712345678 812345678 "
	  "912345678 012345678\nL: < mx.test[/s]: 220 345678 112345678 212345678 312345678 412345678 512345678 "
	  "612345678 712345678 812345678 912345678\nC: EHLO me.test\n", "reply", "" },
};

START_TEST(test_greetings) { script_check(&greetings[_i]); } END_TEST
START_TEST(test_pix) { script_check(&pix[_i]); } END_TEST
START_TEST(test_own_names) { script_check(&own_names[_i]); } END_TEST
START_TEST(test_forwards) { script_check(&forwards[_i]); } END_TEST
START_TEST(test_ends) { script_check(&ends[_i]); } END_TEST
START_TEST(test_watched) { script_check(&watched[_i]); } END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "greetings", test_greetings, UNIT_ROWS(greetings), 0 },
		{ "pix", test_pix, UNIT_ROWS(pix), 0 },
		{ "own names", test_own_names, UNIT_ROWS(own_names), 0 },
		{ "forwards", test_forwards, UNIT_ROWS(forwards), 0 },
		{ "ends", test_ends, UNIT_ROWS(ends), 0 },
		{ "watched", test_watched, UNIT_ROWS(watched), 0 },
	};

	return unit_main("talk/dialogue smtp", cases, UNIT_ROWS(cases));
}
