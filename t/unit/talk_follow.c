/* BDAT, and a transaction whose commands follow the content before it. */
#include "unit.h"

#include "talk/dialogue.h"
#include "talk_script.h"

#define HELLO "S: 220 store\nC: LHLO me.test\nS: 250-store\nS: 250-CHUNKING\n"
#define PIPE HELLO "S: 250 PIPELINING\n"
#define PLAIN HELLO "S: 250 DSN\n"
#define MAIL "C: MAIL FROM:<s@x.test>\n"
#define RCPT(who) "C: RCPT TO:<" who "@x.test>\n"
#define DATA "C: DATA\n"
#define OK "S: 250 2.0.0 ok\n"
#define GO "S: 354 go\n"
#define CHUNKS "chunking=yes;"
#define FOLLOW "pipeline_transactions=yes;"
#define A_CONTENT PIPE MAIL RCPT("a") DATA OK OK GO "C: <content>\n"
#define B_FOLLOWS A_CONTENT "+ b\nC: RSET\n" MAIL RCPT("b") DATA

static const struct script chunks[] = {
	{ "with the commands", 0, CHUNKS, NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") "C: <last>\n" OK OK OK "S: 250 one\nS: 250 two\n", "idle",
	  "a sent 2.0.0 250 one\nb sent 2.0.0 250 two\n" },
	{ "a command at a time", 0, CHUNKS, NULL, "a", PLAIN MAIL OK RCPT("a") OK "C: <last>\n" OK, "idle",
		"a sent *\n" },
	{ "not offered", 0, CHUNKS, NULL, "a",
	  "S: 220 s\nC: LHLO me.test\nS: 250-s\nS: 250 PIPELINING\n" MAIL RCPT("a") DATA OK OK GO "C: "
	  "<content>\n" OK, "idle", "a sent *\n" },
	{ "SMTP: one reply", SCRIPT_SMTP, CHUNKS, NULL, "a,b",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250-CHUNKING\nS: 250 "
	  "PIPELINING\n" MAIL RCPT("a") RCPT("b") "C: <last>\n"
	  OK OK OK "S: 250 as 1\n", "idle", "a sent 2.0.0 250 as 1\nb sent 2.0.0 250 as 1\n" },
	{ "as many replies as were accepted", 0, CHUNKS, NULL, "a,b,c",
	  PIPE MAIL RCPT("a") RCPT("b") RCPT("c") "C: <last>\n" OK OK "S: 550 5.1.1 no\n" OK "S: 250 one\nS: 452 "
	  "4.2.2 full\n", "idle", "b bounced 5.1.1 *\na sent *\nc deferred 4.2.2 *\n" },
	{ "nobody accepted: one reply, and RSET", 0, CHUNKS, NULL, "a",
	  PIPE MAIL RCPT("a") "C: <last>\n" OK "S: 550 5.1.1 no\nS: 503 5.5.1 nobody\n+ b\nC: "
	  "RSET\n" MAIL RCPT("b")
	  "C: <last>\n" OK OK OK OK, "idle", "a bounced 5.1.1 *\nb sent *\n" },
	{ "MAIL refused", 0, CHUNKS, NULL, "a",
	  PIPE MAIL RCPT("a") "C: <last>\n" "S: 550 5.7.1 no\nS: 503 no\nS: 503 no\n", "idle",
	  "a bounced 5.7.1 *\n" },
	{ "a chunk that is not the last refused", 0, CHUNKS, NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK "C: <chunk>\nS: 452 4.3.1 full\n", "end", "a deferred 4.3.1 *\n" },
	{ "a kept connection that ends when the content is out already", SCRIPT_MORE_HOSTS, CHUNKS, NULL, "a",
	  PIPE MAIL RCPT("a") "C: <last>\n" OK "S: 550 5.1.1 no\nS: 503 nobody\n+ b\nC: RSET\n" MAIL RCPT("b")
	  "C: <last>\nS: 421 4.3.2 bye\n", "end", "a bounced 5.1.1 *\nb deferred 4.3.2 twice *\n" },
	{ "RSET refused when the content is out already", SCRIPT_MORE_HOSTS, CHUNKS, NULL, "a",
	  PIPE MAIL RCPT("a") "C: <last>\n" OK "S: 550 5.1.1 no\nS: 503 nobody\n+ b\nC: RSET\n" MAIL RCPT("b")
	  "C: <last>\nS: 500 5.5.1 what\n", "end", "a bounced 5.1.1 *\nb deferred 4.5.0 twice *\n" },
	{ "the end of several waits for their replies", 0, CHUNKS, NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") "C: <chunk>\n" OK OK OK OK "C: <rest>\n" OK "C: BDAT 0 LAST\nS: 250 "
	  "one\nS: 452 4.2.2 full\n", "idle", "a sent 2.0.0 250 one\nb deferred 4.2.2 *\n" },
	{ "SMTP: the end of several", SCRIPT_SMTP, CHUNKS, NULL, "a,b",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250 CHUNKING\n" MAIL OK RCPT("a") OK RCPT("b") OK "C: "
	  "<chunk>\n" OK
	  "C: <rest>\n" OK "C: BDAT 0 LAST\nS: 250 as 1\n", "idle",
	  "a sent 2.0.0 250 as 1\nb sent 2.0.0 250 as 1\n" },
	{ "a reply too many behind a chunk: no end", 0, CHUNKS, NULL, "a",
		PLAIN MAIL OK RCPT("a") OK "C: <chunk>\n" OK OK, "end",
	  "a deferred 4.5.0 *\n" },
	{ "a reply too many behind the last chunk: no end", 0, CHUNKS, NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK "C: <chunk>\n" OK "C: <rest>\n" OK OK, "end", "a deferred 4.5.0 *\n" },
	{ "SMTP: a reply too many: whose is the last one?", SCRIPT_SMTP, CHUNKS, NULL, "a,b",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250-CHUNKING\nS: 250 "
	  "PIPELINING\n" MAIL RCPT("a") RCPT("b") "C: <last>\n"
	  OK OK OK OK "S: 554 5.6.0 no\n", "end",
	  "a deferred 4.5.0 twice Protocol error: host mx.test[/s] sent a reply too many (chunking is nothing "
	  "for it) while sending end of data *\nb deferred 4.5.0 twice *\n" },
	{ "SMTP: the same for who was refused", SCRIPT_SMTP, CHUNKS, NULL, "a,b,c",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250-CHUNKING\nS: 250 PIPELINING\n" MAIL RCPT("a") RCPT("b")
	  RCPT("c") "C: <last>\n" OK OK "S: 550 5.1.1 no\n" OK OK OK, "end",
	  "a deferred 4.5.0 twice *\nb deferred 4.5.0 twice *\nc deferred 4.5.0 twice *\n" },
	{ "the same behind several", 0, CHUNKS, NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK "C: <chunk>\n" OK "C: <rest>\n" OK
	  "C: BDAT 0 LAST\n" OK "S: 552 5.3.4 full\n", "end", "a deferred 4.5.0 twice *\n" },
	{ "SMTP: 421 behind it says nothing about it", SCRIPT_SMTP, CHUNKS, NULL, "a",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250-CHUNKING\nS: 250 PIPELINING\n" MAIL RCPT("a") "C: "
	  "<last>\n"
	  OK OK OK "S: 421 4.3.2 bye\n", "end", "a sent 2.0.0 *\n" },
	{ "lost before the last of several finals: what was said is believed", 0, CHUNKS, NULL, "a,b",
	  PIPE MAIL RCPT("a") RCPT("b") "C: <last>\n" OK OK OK "S: 250 one\n! lost\n", "end",
	  "a sent 2.0.0 250 one\nb deferred 4.4.2 twice *\n" },
	{ "lost before the end was said: another host", SCRIPT_MORE_HOSTS, CHUNKS, NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK "C: <chunk>\n" OK "C: <rest>\n! lost\n", "end", "a keep 4.4.2 *\n" },
	{ "lost behind the end", SCRIPT_MORE_HOSTS, CHUNKS, NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK "C: <chunk>\n" OK "C: <rest>\n" OK "C: BDAT 0 LAST\n! lost\n", "end",
	  "a deferred 4.4.2 twice *\n" },
	{ "the last chunk of several refused", 0, CHUNKS, NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK "C: <chunk>\n" OK "C: <rest>\nS: 552 5.3.4 large\n", "end",
	  "a bounced 5.3.4 *\n" },
	{ "answered before it was sent", 0, CHUNKS, NULL, "a", PIPE MAIL RCPT("a") "C: <chunk>\n" OK OK OK OK,
		"end",
	  "a deferred 4.5.0 *\n" },
	{ "lost behind it: no other host", SCRIPT_MORE_HOSTS, CHUNKS, NULL, "a",
		PIPE MAIL RCPT("a") "C: <last>\n! lost\n", "end",
	  "a deferred 4.4.2 twice lost connection with mx.test[/s] while sending end of data *\n" },
	{ "no answer to MAIL behind it", SCRIPT_MORE_HOSTS, CHUNKS, NULL, "a",
		PIPE MAIL RCPT("a") "C: <last>\n! timeout\n", "end",
	  "a deferred 4.4.2 twice *\n" },
};

/* behaviour K-3 */
static const struct script follows[] = {
	{ "both taken", 0, FOLLOW, NULL, "a", B_FOLLOWS OK OK OK OK GO "C: <content>\n" OK, "idle",
		"a sent *\nb sent *\n" },
	{ "not unless asked for", 0, "", NULL, "a", A_CONTENT "--\n" OK, "idle", "a sent *\n" },
	{ "the one before refused", 0, FOLLOW, NULL, "a",
	  B_FOLLOWS "S: 452 4.2.2 full\n" OK OK OK GO "C: <content>\n" OK, "idle",
	  "a deferred 4.2.2 *\nb sent *\n" },
	{ "the later one refused", 0, FOLLOW, NULL, "a", B_FOLLOWS OK OK OK "S: 550 5.1.1 no\nS: 503 nobody\n",
		"idle",
	  "a sent *\nb bounced 5.1.1 *\n" },
	{ "lost: as if the later one had not begun", 0, FOLLOW, NULL, "a", B_FOLLOWS "! lost\n", "end",
	  "a deferred 4.4.2 twice *\n" },
	{ "no reply in time", 0, FOLLOW, NULL, "a", B_FOLLOWS "! timeout\n", "end",
		"a deferred 4.4.2 twice *\n" },
	{ "421", 0, FOLLOW, NULL, "a", B_FOLLOWS "S: 421 4.3.2 bye\n", "end", "a deferred 4.3.2 twice *\n" },
	{ "3xx", 0, FOLLOW, NULL, "a", B_FOLLOWS "S: 354 go\n", "end", "a deferred 4.5.0 twice *\n" },
	{ "a misunderstanding ends the session with the one before", 0, FOLLOW, NULL, "a",
		B_FOLLOWS "S: 500 5.5.1 what\n", "end",
	  "a bounced 5.5.1 *\n" },
	{ "lost after the one before was over", 0, FOLLOW, NULL, "a", B_FOLLOWS OK "! lost\n", "end",
		"a sent *\nb again *\n" },
	{ "out of place right behind the one before", 0, FOLLOW, NULL, "a", B_FOLLOWS OK OK "S: 354 go\n", "end",
	  "a sent *\nb deferred 4.5.0 *\n" },
	{ "not where another host may be asked", SCRIPT_MORE_HOSTS, FOLLOW, NULL, "a", A_CONTENT "--\n" OK,
		"idle", "a sent *\n" },
	{ "its content waits for the end of the one before", 0, FOLLOW CHUNKS, NULL, "a",
	  PLAIN MAIL OK RCPT("a") OK "C: <last>\n--\n" OK, "idle", "a sent *\n" },
};

START_TEST(test_chunks) { script_check(&chunks[_i]); } END_TEST
START_TEST(test_follows) { script_check(&follows[_i]); } END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "chunks", test_chunks, UNIT_ROWS(chunks), 0 },
		{ "follows", test_follows, UNIT_ROWS(follows), 0 },
	};

	return unit_main("talk/dialogue follow", cases, UNIT_ROWS(cases));
}
