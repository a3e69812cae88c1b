/* Conversations with peers of every temper; each arrives whole and byte by byte. */
#include "unit.h"

#include "talk/dialogue.h"
#include "talk_script.h"

#define HELLO "S: 220 store ready\nC: LHLO me.test\n"
#define PIPE HELLO "S: 250-store\nS: 250-PIPELINING\nS: 250 ENHANCEDSTATUSCODES\n"
#define PLAIN HELLO "S: 250 store\n"
#define MAIL "C: MAIL FROM:<s@x.test>\n"
#define RCPT(who) "C: RCPT TO:<" who "@x.test>\n"
#define DATA "C: DATA\n"
#define OK "S: 250 2.0.0 ok\n"
#define GO "S: 354 go\n"

static const struct script good[] = {
	{ "one recipient, pipelined", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\nS: 250 2.1.5 Saved\n", "idle",
	  "a sent 2.1.5 250 2.1.5 Saved\n" },
	{ "one recipient, a command at a time", 0, "", NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK DATA GO "C: <content>\n" OK, "idle", "a sent 2.0.0 250 2.0.0 ok\n" },
	{ "final replies in the order of the accepted recipients", 0, "", NULL, "a,b,c,d",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") RCPT("d") DATA OK OK "S: 550 5.1.1 who?\n" OK OK GO
	  "C: <content>\nS: 250 one\nS: 552 5.2.2 full\nS: 451 4.2.0 broken\n", "idle",
	  "b bounced 5.1.1 host mx.test[/s] said: 550 5.1.1 who? (in reply to RCPT TO command)\n"
	  "a sent 2.0.0 250 one\n"
	  "c bounced 5.2.2 host mx.test[/s] said: 552 5.2.2 full (in reply to end of DATA command)\n"
	  "d deferred 4.2.0 host mx.test[/s] said: 451 4.2.0 broken (in reply to end of DATA command)\n" },
	{ "multi-line final reply", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\nS: 250-it\nS: 250-is\nS: 250 2.0.0 saved\n", "idle",
	  "a sent 2.0.0 250-it 250-is 250 2.0.0 saved\n" },
	{ "SMTP: one reply for all", SCRIPT_SMTP, "", NULL, "a,b",
	  "S: 220 mx ESMTP\nC: EHLO me.test\nS: 250-mx\nS: 250 PIPELINING\n" MAIL RCPT("a") RCPT("b") DATA OK OK
	  OK GO
	  "C: <content>\nS: 250 2.0.0 queued\n", "idle",
	  "a sent 2.0.0 250 2.0.0 queued\nb sent 2.0.0 250 2.0.0 queued\n" },
	{ "SMTP: HELO after a refused EHLO", SCRIPT_SMTP, "", NULL, "a",
	  "S: 220 mx\nC: EHLO me.test\nS: 502 what?\nC: HELO me.test\n" OK MAIL OK RCPT("a") OK DATA GO
	  "C: <content>\n" OK,
	  "idle", "a sent 2.0.0 250 2.0.0 ok\n" },
	{ "SMTP: HELO by option", SCRIPT_SMTP, "never_send_ehlo=yes;", NULL, "a",
	  "S: 220 mx ESMTP\nC: HELO me.test\n" OK MAIL "! lost\n", "end", "a deferred 4.4.2 lost*\n" },
	{ "SMTP: EHLO only for ESMTP greetings", SCRIPT_SMTP, "always_send_ehlo=no;", NULL, "a",
	  "S: 220-mx\nS: 220 esmtp here\nC: EHLO me.test\n" OK MAIL "! lost\n", "end",
	  "a deferred 4.4.2 lost*\n" },
	{ "SMTP: HELO for other greetings", SCRIPT_SMTP, "always_send_ehlo=no;", NULL, "a",
	  "S: 220 mx ESMTPS\nC: HELO me.test\n" OK MAIL "! lost\n", "end", "a deferred 4.4.2 lost*\n" },
	{ "reuse without RSET after success", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ b\n" MAIL RCPT("b") DATA OK OK GO
	  "C: <content>\n" OK,
	  "idle", "a sent 2.0.0 250 2.0.0 ok\nb sent 2.0.0 250 2.0.0 ok\n" },
	{ "RSET ahead of the next MAIL after a refused final", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\nS: 451 no\n" "+ b\n" "C: RSET\n" MAIL RCPT("b") DATA OK
	  OK OK GO
	  "C: <content>\n" OK, "idle", "a deferred 4.0.0 *\nb sent 2.0.0 *\n" },
	{ "no RSET when a recipient alone was refused", 0, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK "S: 550 no\n" OK GO "C: <content>\n" OK "+ c\n" MAIL RCPT("c")
	  DATA OK OK GO
	  "C: <content>\n" OK, "idle", "a bounced 5.0.0 *\nb sent 2.0.0 *\nc sent 2.0.0 *\n" },
	{ "QUIT and its reply", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ quit\nC: QUIT\nS: 221 bye\n", "end",
	  "a sent *\n" },
	{ "QUIT without waiting", 0, "skip_quit_response=yes;", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ quit\nC: QUIT\n", "end", "a sent *\n" },
	{ "all parameters where offered, in order", SCRIPT_SMTP | SCRIPT_EIGHT_BIT, "",
	  " FROM:<s@x.test> SMTPUTF8 ENVID=q+2B1 RET=HDRS BODY=8BITMIME AUTH=u",
	  "\"a/NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o@x\"",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250-SIZE\nS: 250-8BITMIME\n"
	  "S: 250-DSN\nS: 250-SMTPUTF8\nS: 250 AUTH PLAIN\n"
	  "C: MAIL FROM:<s@x.test> SIZE=1000 BODY=8BITMIME ENVID=q+2B1 RET=HDRS SMTPUTF8 AUTH=u\n" OK
	  "C: RCPT TO:<a@x.test> ORCPT=rfc822;o@x NOTIFY=SUCCESS,DELAY\n! lost\n", "end",
	  "a deferred 4.4.2 *\n" },
	{ "no parameter without an offer", SCRIPT_EIGHT_BIT, "",
	  " FROM:<s@x.test> SMTPUTF8 ENVID=q RET=FULL BODY=8BITMIME AUTH=u",
	  "\"a/NOTIFY=NEVER ORCPT=rfc822;o@x\"",
	  PLAIN MAIL OK RCPT("a") "! lost\n", "end", "a deferred 4.4.2 *\n" },
	{ "BODY=7BIT as declared", 0, "", " FROM:<s@x.test> BODY=7BIT", "a",
	  HELLO "S: 250-s\nS: 250 8BITMIME\nC: MAIL FROM:<s@x.test> BODY=7BIT\n! lost\n", "end",
	  "a deferred 4.4.2 *\n" },
	{ "the content knows better than BODY=7BIT", SCRIPT_EIGHT_BIT, "", " FROM:<s@x.test> BODY=7BIT", "a",
	  HELLO "S: 250-s\nS: 250 8BITMIME\nC: MAIL FROM:<s@x.test> BODY=8BITMIME\n! lost\n", "end",
	  "a deferred 4.4.2 *\n" },
	{ "SMTPUTF8 implies 8BITMIME, and is used where the sender asked for it", SCRIPT_EIGHT_BIT, "",
	  " FROM:<s@x.test> SMTPUTF8",
	  "a", HELLO "S: 250-s\nS: 250 SMTPUTF8\nC: MAIL FROM:<s@x.test> BODY=8BITMIME SMTPUTF8\n! lost\n", "end",
	  "a deferred 4.4.2 *\n" },
	{ "discarded keywords count as not offered", 0, "discard_lhlo_keywords=size, PIPELINING;", NULL, "a",
	  HELLO "S: 250-s\nS: 250-PIPELINING\nS: 250 SIZE 5\n" MAIL OK RCPT("a") "! lost\n", "end",
	  "a deferred 4.4.2 *\n" },
	{ "probe by DATA: 354 decides, and nothing more is said", SCRIPT_PROBE, "address_verify_target=data;",
		NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK OK "S: 550 5.1.1 who?\n" GO "--\n", "end",
	  "b bounced 5.1.1 *\na sent 2.0.0 354 go\n" },
	{ "probe by DATA: a refusal of it decides", SCRIPT_PROBE, "address_verify_target=data;", NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK DATA "S: 554 5.7.1 no\nC: RSET\n" OK, "idle", "a bounced 5.7.1 *\n" },
	{ "probe by DATA: a 354 for nobody gets no dot", SCRIPT_PROBE, "address_verify_target=data;", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK "S: 550 5.1.1 who?\n" GO "--\n", "end", "a bounced 5.1.1 *\n" },
	{ "probe by DATA: no recipient, no DATA", SCRIPT_PROBE, "address_verify_target=data;", NULL, "a",
	  PLAIN MAIL OK RCPT("a") "S: 550 5.1.1 who?\n", "idle", "a bounced 5.1.1 *\n" },
	{ "probe: RCPT decides, RSET frees the transaction", SCRIPT_PROBE, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") OK "S: 250 2.1.5 yes\nS: 550 5.1.1 no\nC: RSET\n" OK, "idle",
	  "a sent 2.1.5 250 2.1.5 yes\nb bounced 5.1.1 *\n" },
	{ "the name of the option is given with LHLO", 0, "lhlo_name=other.test;", NULL, "a",
	  "S: 220 s\nC: LHLO other.test\n! lost\n", "end",
	  "a deferred 4.4.2 lost connection with mx.test[/s] while performing the LHLO handshake\n" },
};

static const struct script refused[] = {
	{ "5xx greeting, another day", 0, "", NULL, "a", "S: 554 5.7.1 go away\nC: QUIT\nS: 221 bye\n", "end",
	  "a deferred 4.7.1 host mx.test[/s] refused to talk to me: 554 5.7.1 go away\n" },
	{ "5xx greeting, taken as final", 0, "skip_5xx_greeting=no;", NULL, "a",
	  "S: 554 go away\nC: QUIT\nS: 221 bye\n", "end",
	  "a bounced 5.0.0 host mx.test[/s] refused to talk to me: 554 go away\n" },
	{ "421 greeting: no QUIT", SCRIPT_MORE_HOSTS, "", NULL, "a,b", "S: 421 4.7.0 too many\n", "end",
	  "a keep 4.7.0 *\nb keep 4.7.0 *\n" },
	{ "LHLO refused: no HELO", 0, "", NULL, "a", HELLO "S: 500 5.5.1 what?\nC: QUIT\nS: 221 bye\n", "end",
	  "a bounced 5.5.1 host mx.test[/s] refused to talk to me: 500 5.5.1 what?\n" },
	{ "SMTP: 421 to EHLO: no HELO", SCRIPT_SMTP, "", NULL, "a", "S: 220 mx\nC: EHLO me.test\nS: 421 bye\n",
	  "end",
	  "a deferred 4.0.0 *\n" },
	{ "SMTP: HELO refused as well", SCRIPT_SMTP, "", NULL, "a",
	  "S: 220 mx\nC: EHLO me.test\nS: 500 no\nC: HELO me.test\nS: 451 no\nC: QUIT\n", "end",
	  "a deferred 4.0.0 *\n" },
	{ "MAIL refused after RCPT and DATA were sent", 0, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA "S: 451 4.3.0 later\nS: 503 no\nS: 503 no\nS: 503 no\n", "idle",
	  "a deferred 4.3.0 host mx.test[/s] said: 451 4.3.0 later (in reply to MAIL FROM command)\n"
	  "b deferred 4.3.0 *\n" },
	{ "MAIL refused, RCPT accepted all the same, 354", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA "S: 550 5.7.1 no\n" OK GO "C: <dot>\n", "end", "a bounced 5.7.1 *\n" },
	{ "MAIL refused without PIPELINING: RSET before the next", 0, "", NULL, "a",
	  PLAIN MAIL "S: 451 no\n--\n+ b\nC: RSET\n" OK MAIL OK RCPT("b") OK DATA GO "C: <content>\n" OK, "idle",
	  "a deferred 4.0.0 *\nb sent 2.0.0 *\n" },
	{ "all refused, DATA answered 503", 0, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK
	  "S: 550 5.1.1 no\nS: 450 4.2.1 no\nS: 503 5.5.0 No valid recipients\n", "idle",
	  "a bounced 5.1.1 *\nb deferred 4.2.1 *\n" },
	{ "all refused, then RSET before the next", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK "S: 550 no\nS: 503 no\n" "+ b\nC: RSET\n" MAIL RCPT("b") DATA OK OK OK GO
	  "C: <content>\n" OK,
	  "idle", "a bounced 5.0.0 *\nb sent 2.0.0 *\n" },
	{ "all refused, but 354, LMTP: the dot, and away", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK "S: 550 5.1.1 no\n" GO "C: <dot>\n", "end", "a bounced 5.1.1 *\n" },
	{ "all refused, but 354, SMTP: one reply", SCRIPT_SMTP, "", NULL, "a",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250 PIPELINING\n" MAIL RCPT("a") DATA OK "S: 550 5.1.1 no\n"
	  GO
	  "C: <dot>\nS: 554 no recipients\n", "idle", "a bounced 5.1.1 *\n" },
	{ "all refused without PIPELINING: no DATA", 0, "", NULL, "a,b",
	  PLAIN MAIL OK RCPT("a") "S: 550 no\n" RCPT("b") "S: 550 no\n", "idle",
	  "a bounced 5.0.0 *\nb bounced 5.0.0 *\n" },
	{ "DATA refused: the accepted ones, and RSET at once", 0, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK OK "S: 550 5.1.1 no\nS: 451 4.3.1 disk\nC: RSET\n" OK, "idle",
	  "b bounced 5.1.1 *\n"
	  "a deferred 4.3.1 host mx.test[/s] said: 451 4.3.1 disk (in reply to DATA command)\n" },
	{ "SMTP: the dot refused, RSET before the next", SCRIPT_SMTP, "", NULL, "a,b",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250 PIPELINING\n" MAIL RCPT("a") RCPT("b") DATA OK OK OK GO
	  "C: <content>\nS: 451 4.3.0 later\n+ c\nC: RSET\n" MAIL RCPT("c") DATA OK OK OK GO
	  "C: <content>\nS: 554 5.6.0 no\n", "idle",
	  "a deferred 4.3.0 *\nb deferred 4.3.0 *\nc bounced 5.6.0 *\n" },
	{ "other hosts get what was refused softly", SCRIPT_MORE_HOSTS, "", NULL, "a,b,c",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") DATA OK "S: 451 4.7.1 grey\nS: 550 5.1.1 no\n" OK GO
	  "C: <content>\nS: 452 4.2.2 full\n",
	  "idle", "a keep 4.7.1 *\nb bounced 5.1.1 *\nc keep 4.2.2 *\n" },
	{ "soft_bounce", SCRIPT_SOFT_BOUNCE, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK
	  "S: 550 5.1.1 no\nS: 503 no\n", "idle",
	  "a deferred 4.1.1 *\n" },
	{ "too many recipients after some were accepted", 0, "", NULL, "a,b,c,d",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") RCPT("d") DATA OK OK
	  "S: 452 4.5.3 too many\nS: 552 5.5.3 too many\nS: 452 4.2.2 mailbox full\n" GO "C: <content>\n" OK,
	  "idle",
	  "b again 4.5.3 *\nc again 4.5.3 *\nd deferred 4.2.2 *\na sent 2.0.0 *\n" },
	{ "452 before anybody was accepted is just 4xx", 0, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK "S: 452 4.5.3 too many\n" OK GO "C: <content>\n" OK, "idle",
	  "a deferred 4.5.3 *\nb sent 2.0.0 *\n" },
	{ "larger than the peer takes: nothing is said", 0, "", NULL, "a", HELLO "S: 250-s\nS: 250 SIZE 999\n",
	  "idle",
	  "a bounced 5.3.4 message size 1000 exceeds size limit 999 of server mx.test[/s]\n" },
	{ "larger than the peer takes, on a reused session", 0, "", NULL, "a",
	  HELLO "S: 250-s\nS: 250 SIZE 999\n--\n+ b\n", "idle", "a bounced 5.3.4 *\nb bounced 5.3.4 *\n" },
	{ "SMTPUTF8 needed, not offered, last host", 0, "", " FROM:<\303\251@x.test> SMTPUTF8", "a",
	  PIPE, "idle",
	  "a bounced 5.6.7 SMTPUTF8 is required, but was not offered by host mx.test[/s]\n" },
	{ "LMTP: UTF-8 in the header alone needs nothing", SCRIPT_UTF8_HEADER, "", " FROM:<s@x.test> SMTPUTF8",
		"a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK, "idle", "a sent 2.0.0 *\n" },
	{ "SMTP: UTF-8 in the header alone needs SMTPUTF8", SCRIPT_SMTP | SCRIPT_UTF8_HEADER, "",
		" FROM:<s@x.test> SMTPUTF8",
	  "a", "S: 220 mx\nC: EHLO me.test\nS: 250 mx\n", "idle", "a bounced 5.6.7 *\n" },
	{ "SMTPUTF8 needed, not offered, other hosts", SCRIPT_MORE_HOSTS, "", " FROM:<\303\251@x.test> SMTPUTF8",
	  "a", PIPE,
	  "idle", "a keep 4.6.7 *\n" },
	{ "421 to RCPT: that recipient, the others as the link breaks", 0, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK "S: 421 4.3.2 down\n! lost\n", "end",
	  "a deferred 4.3.2 *\nb deferred 4.4.2 lost connection with mx.test[/s] while sending RCPT TO\n" },
	{ "421 as a final reply is its recipient's answer", 0, "", NULL, "a,b,c",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") DATA OK OK OK OK GO "C: <content>\n" OK
	  "S: 421 4.3.2 down\n! lost\n", "end",
	  "a sent 2.0.0 *\nb deferred 4.3.2 twice *\n"
	  "c deferred 4.4.2 twice lost connection with mx.test[/s] while sending end of data"
	  " -- message may be sent more than once\n" },
	{ "421 in the middle of content", SCRIPT_MORE_HOSTS, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <early>\nS: 421 4.3.2 Shutting down\n", "end",
	  "a keep 4.3.2 host mx.test[/s] said: 421 4.3.2 Shutting down (in reply to message body)\n" },
	{ "500 leaves the session unfit", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK
	  "S: 500 5.5.2 line too long\nS: 503 no\nC: QUIT\n",
	  "reply", "a bounced 5.5.2 *\n" },
};

static const struct script broken[] = {
	{ "closed before the greeting", 0, "", NULL, "a", "! lost\n", "end",
	  "a deferred 4.4.2 lost connection with mx.test[/s] while receiving the initial server greeting\n" },
	{ "silence instead of a greeting", SCRIPT_MORE_HOSTS, "", NULL, "a", "! timeout\n", "end",
	  "a keep 4.4.2 conversation with mx.test[/s] timed out while receiving the initial server greeting\n" },
	{ "lost behind a whole burst: MAIL is due", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA "! reset\n", "end",
	  "a deferred 4.4.2 lost connection with mx.test[/s] while sending MAIL FROM: "
	  "Connection reset by peer\n" },
	{ "timed out at RCPT", 0, "", NULL, "a,b", PIPE MAIL RCPT("a") RCPT("b") DATA OK OK "! timeout\n", "end",
	  "a deferred 4.4.2 conversation with mx.test[/s] timed out while sending RCPT TO\nb deferred *\n" },
	{ "timed out at DATA", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK "! timeout\n", "end",
	  "a deferred 4.4.2 conversation with mx.test[/s] timed out while sending DATA command\n" },
	{ "lost in a half reply", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK "S~ 354 go\n! lost\n", "end",
	  "a deferred 4.4.2 *\n" },
	{ "lost while content is sent", SCRIPT_MORE_HOSTS, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO
	  "C: <early>\n! lost\n", "end",
	  "a keep 4.4.2 lost connection with mx.test[/s] while sending message body\n" },
	{ "content could not be read", SCRIPT_MORE_HOSTS, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO
	  "C: <early>\n! abort\n", "end",
	  "a deferred 4.3.0 cannot read the message\n" },
	{ "unanswered dot: no other host", SCRIPT_MORE_HOSTS, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO
	  "C: <content>\n! timeout\n",
	  "end", "a deferred 4.4.2 twice conversation with mx.test[/s] timed out while sending end of data"
	  " -- message may be sent more than once\n" },
	{ "finals heard before the link broke stay", 0, "", NULL, "a,b,c",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") DATA OK OK OK OK GO
	  "C: <content>\nS: 250 one\nS: 550 two\n! lost\n", "end",
	  "a sent 2.0.0 250 one\nb bounced 5.0.0 *\nc deferred 4.4.2 twice *\n" },
	{ "one size refusal, then silence", 0, "", NULL, "a,b,c",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") DATA OK OK OK OK GO
	  "C: <content>\nS: 552 5.2.3 too large\n! timeout\n", "end",
	  "a bounced 5.2.3 *\n"
	  "b alone 4.3.4 host mx.test[/s] gave one final reply for several recipients\nc alone 4.3.4 *\n" },
	{ "one size refusal, then others all the same", 0, "", NULL, "a,b,c",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") DATA OK OK OK OK GO "C: <content>\nS: 552 5.3.4 too large\n" OK
	  "! timeout\n", "end",
	  "a bounced 5.3.4 *\nb sent 2.0.0 *\nc deferred 4.4.2 twice *\n" },
	{ "a quota refusal, then silence", 0, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK OK OK GO "C: <content>\nS: 552 5.2.2 full\n! timeout\n", "end",
	  "a bounced 5.2.2 *\nb deferred 4.4.2 twice *\n" },
	{ "a kept connection had died", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ b\n" MAIL RCPT("b") DATA "! reset\n", "end",
	  "a sent *\nb again 4.4.2 lost connection with mx.test[/s] while using a kept connection: "
	  "Connection reset by peer\n" },
	{ "a kept connection says 421", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ b,c\n" MAIL RCPT("b") RCPT("c") DATA
	  "S: 421 4.4.2 idle\n", "end",
	  "a sent *\nb again 4.4.2 *\nc again 4.4.2 *\n" },
	{ "421 was waiting when the next mail came", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ b\nS: 421 4.4.2 idle\n", "end",
	  "a sent *\nb again 4.4.2 *\n" },
	{ "RSET refused on a kept connection", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\nS: 451 no\n" "+ b\n" "C: RSET\n" MAIL RCPT("b") DATA
	  "S: 500 what?\n",
	  "end", "a deferred *\nb again *\n" },
	{ "a kept connection that hangs is a failure", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ b\n" MAIL RCPT("b") DATA "! timeout\n", "end",
	  "a sent *\nb deferred 4.4.2 *\n" },
	{ "421 while idle", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "--\nS: 421 4.4.2 idle\n", "end", "a sent *\n" },
	{ "closed while idle", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK
	  "--\n! lost\n", "end", "a sent *\n" },
	{ "closed instead of an answer to QUIT", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ quit\nC: QUIT\n! lost\n", "end",
	  "a sent *\n" },
};

#define ODD "Protocol error: host mx.test[/s] "

static const struct script odd[] = {
	{ "3xx greeting", 0, "skip_5xx_greeting=no;", NULL, "a", "S: 354 hello\n", "end",
	  "a deferred 4.5.0 " ODD
	  "sent a reply that is out of place while receiving the initial server greeting: 354 hello\n" },
	{ "999 greeting", SCRIPT_MORE_HOSTS, "", NULL, "a", "S: 999 hello\n", "end", "a keep 4.5.0 " ODD "*\n" },
	{ "000 to LHLO", 0, "", NULL, "a", HELLO "S: 000 what\n", "end", "a deferred 4.5.0 " ODD "*\n" },
	{ "3xx to MAIL", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA "S: 350 more\n", "end", "a deferred 4.5.0 "
	  ODD "*\n" },
	{ "1xx to RCPT: the others too", 0, "", NULL, "a,b", PIPE MAIL RCPT("a") RCPT("b") DATA OK OK
	  "S: 150 wait\n", "end",
	  "a deferred 4.5.0 " ODD
	  "sent a reply that is out of place while sending RCPT TO: 150 wait\nb deferred 4.5.0 *\n" },
	{ "354 while RCPT is due: no content", 0, "", NULL, "a,b", PIPE MAIL RCPT("a") RCPT("b") DATA OK OK GO,
	  "end",
	  "a deferred 4.5.0 *\nb deferred 4.5.0 *\n" },
	{ "2xx to DATA: no content", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK OK, "end",
	  "a deferred 4.5.0 " ODD "*\n" },
	{ "3xx to the dot", SCRIPT_MORE_HOSTS, "", NULL, "a,b", PIPE MAIL RCPT("a") RCPT("b") DATA OK OK OK GO
	  "C: <content>\n" OK GO, "end",
	  "a sent *\nb deferred 4.5.0 twice *\n" },
	{ "an extra reply behind the capabilities", 0, "", NULL, "a", PIPE "S: 250 more\n", "end",
	  "a deferred 4.5.0 " ODD
	  "sent a reply that nothing awaited while performing the LHLO handshake: 250 more\n" },
	{ "the whole conversation in the first segment", 0, "", NULL, "a",
	  "S: 220 x\nS: 250 x\nS: 250 x\nS: 354 x\nS: 250 x\n", "end",
	  "a deferred 4.5.0 *\n" },
	{ "an extra reply behind MAIL shifts all: 2xx to DATA", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK
	  OK GO, "end",
	  "a deferred 4.5.0 *\n" },
	{ "an extra reply ahead of a refusal: nobody has another one's", 0, "", NULL, "a,b",
		PIPE MAIL RCPT("a") RCPT("b") DATA OK
	  OK "S: 550 5.1.1 who?\n" OK GO, "end", "a deferred 4.5.0 *\nb deferred 4.5.0 *\n" },
	{ "an extra refusal: nor of the message before", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA
	  "S: 552 5.2.2 full\n" OK OK GO, "end", "a deferred 4.5.0 *\n" },
	{ "a reply that comes before DATA's: what was said is believed", 0, "", NULL, "a,b",
		PIPE MAIL RCPT("a") RCPT("b") DATA OK
	  "S: 550 5.1.1 who?\n" OK "--\n! lost\n", "end", "a bounced 5.1.1 *\nb deferred 4.4.2 *\n" },
	{ "all refused, then a reply that DATA cannot have", 0, "", NULL, "a,b",
		PIPE MAIL RCPT("a") RCPT("b") DATA OK
	  "S: 550 5.1.1 who?\nS: 550 5.1.1 who?\n" OK, "end", "a deferred 4.5.0 *\nb deferred 4.5.0 *\n" },
	{ "an extra reply ahead, and DATA has the last one's refusal", 0, "", NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") DATA OK OK OK "S: 550 5.1.1 who?\n" GO, "end",
	  "a deferred 4.5.0 *\nb deferred 4.5.0 *\n" },
	{ "all refused, then 421 of itself", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK "S: 550 5.1.1 who?\nS: 503 5.5.1 nobody\nS: 421 4.7.0 too many errors\n",
	  "end", "a bounced 5.1.1 *\n" },
	{ "all refused, a command at a time, then more", 0, "", NULL, "a",
		PLAIN MAIL "S: 550 5.7.1 no\nS: 250 ok\n",
	  "end", "a bounced 5.7.1 *\n" },
	{ "refused at the greeting, then more", SCRIPT_SMTP, "skip_5xx_greeting=no;", NULL, "a",
	  "S: 554 5.7.1 no\nS: 221 bye\n", "end", "a bounced 5.7.1 *\n" },
	{ "an extra reply behind the last final", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO
	  "C: <content>\n" OK OK, "end",
	  "a sent 2.0.0 *\n" },
	{ "a final reply before the dot", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO "C: <early>\n" OK,
	  "end",
	  "a deferred 4.5.0 " ODD
	  "sent a reply that nothing awaited while sending message body: 250 2.0.0 ok\n" },
	{ "a final reply with the 354", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO OK, "end",
	  "a deferred 4.5.0 *\n" },
	{ "a refusal in the middle of content", SCRIPT_MORE_HOSTS, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <early>\nS: 552 5.3.4 too large\n", "end", "a keep 4.5.0 *\n" },
	{ "half a reply in the middle of content", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO
	  "C: <early>\nS~ 55\n! lost\n", "end",
	  "a deferred 4.5.0 " ODD "spoke out of turn while sending message body\n" },
	{ "half a reply in the middle of content, then nothing", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <early>\nS~ 55\n! timeout\n", "end", "a deferred 4.5.0 *\n" },
	{ "garbage on a kept connection", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK "+ b\nS: 250 hello?\n", "end",
	  "a sent *\nb again 4.5.0 *\n" },
	{ "garbage lines before a reply are skipped, the session ends", 0, "", NULL, "a",
	  PIPE MAIL RCPT("a") DATA OK "S: hello\nS: 250 ok\n" GO "C: <content>\n" OK "C: QUIT\n", "reply",
	  "a sent 2.0.0 *\n" },
	{ "bytes while idle", 0, "", NULL, "a", PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n" OK
	  "--\nS~ x\n", "end", "a sent *\n" },
};

START_TEST(test_good) { script_check(&good[_i]); } END_TEST
START_TEST(test_refused) { script_check(&refused[_i]); } END_TEST
START_TEST(test_broken) { script_check(&broken[_i]); } END_TEST
START_TEST(test_odd) { script_check(&odd[_i]); } END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "good", test_good, UNIT_ROWS(good), 0 },
		{ "refused", test_refused, UNIT_ROWS(refused), 0 },
		{ "broken", test_broken, UNIT_ROWS(broken), 0 },
		{ "odd", test_odd, UNIT_ROWS(odd), 0 },
	};

	return unit_main("talk/dialogue", cases, UNIT_ROWS(cases));
}
