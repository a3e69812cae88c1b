/* STARTTLS, and TLS before the greeting (behaviour T-1 to T-16, E-12; parameter
 * tls_block_early_mail_reply). */
#include "unit.h"

#include "talk_script.h"

#define LHLO "C: LHLO me.test\n"
#define OFFER "S: 250-store\nS: 250-PIPELINING\nS: 250 STARTTLS\n"
#define START "S: 220 store ready\n" LHLO OFFER "C: STARTTLS\n"
#define INSIDE LHLO "S: 250-store\nS: 250 PIPELINING\n"
#define SEND "C: MAIL FROM:<s@x.test>\nC: RCPT TO:<a@x.test>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n" \
	"C: <content>\n" \
	"S: 250 2.0.0 saved\n"
#define SENT "a sent 2.0.0 250 2.0.0 saved\n"
#define QUIT "C: QUIT\nS: 221 bye\n"
#define MAY "tls_security_level=may;"
#define ENCRYPT "tls_security_level=encrypt;"

static const struct script goes[] = {
	{ "may, offered", 0, MAY, NULL, "a", START "S: 220 go\nC: <tls>\n" INSIDE SEND, "idle", SENT },
	{ "encrypt, offered", 0, ENCRYPT, NULL, "a", START "S: 220 go\nC: <tls>\n" INSIDE SEND, "idle", SENT },
	{ "may, any 2xx will do", 0, MAY, NULL, "a", START "S: 250 go\nC: <tls>\n" INSIDE SEND, "idle", SENT },
	{ "SMTP says EHLO again", SCRIPT_SMTP, MAY, NULL, "a",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nC: <tls>\n"
	  "C: EHLO me.test\nS: 250-mx\nS: 250 PIPELINING\n" SEND, "idle", SENT },
	{ "SMTP says EHLO inside although never_send_ehlo was meant for outside", SCRIPT_SMTP | SCRIPT_TLS_FIRST,
	  ENCRYPT, NULL, "a",
	  "C: <tls>\nS: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250 PIPELINING\n" SEND, "idle", SENT },
	{ "nothing learnt before is used", 0, MAY, NULL, "a",
	  START "S: 220 go\nC: <tls>\n" LHLO "S: 250 store\nC: MAIL FROM:<s@x.test>\n--\nS: 250 ok\n"
	  "C: RCPT TO:<a@x.test>\nS: 250 ok\nC: DATA\nS: 354 go\nC: <content>\nS: 250 2.0.0 saved\n", "idle",
	  SENT },
	{ "STARTTLS announced inside means nothing", 0, ENCRYPT, NULL, "a",
	  START "S: 220 go\nC: <tls>\n" LHLO OFFER SEND, "idle", SENT },
	{ "HELO fallback inside", SCRIPT_SMTP, MAY, NULL, "a",
	  "S: 220 mx\nC: EHLO me.test\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nC: <tls>\n"
	  "C: EHLO me.test\nS: 502 what\nC: HELO me.test\nS: 250 mx\nC: MAIL FROM:<s@x.test>\n--\nS: 250 ok\n"
	  "C: RCPT TO:<a@x.test>\nS: 250 ok\nC: DATA\nS: 354 go\nC: <content>\nS: 250 2.0.0 saved\n", "idle",
	  SENT },
	{ "TLS before the greeting", SCRIPT_TLS_FIRST, ENCRYPT, NULL, "a",
	  "C: <tls>\nS: 220 store\n" INSIDE SEND, "idle", SENT },
	{ "not said at level none", 0, "tls_security_level=none;", NULL, "a", "S: 220 s\n" LHLO OFFER SEND,
		"idle", SENT },
	{ "may, not offered", 0, MAY, NULL, "a", "S: 220 s\n" INSIDE SEND, "idle", SENT },
	{ "may, refused for now", 0, MAY, NULL, "a", START "S: 454 4.7.0 no\n" SEND, "idle", SENT },
	{ "may, refused for ever", 0, MAY, NULL, "a", START "S: 501 5.5.4 no\n" SEND, "idle", SENT },
	{ "may, nothing to do it with here", SCRIPT_NO_TLS, MAY, NULL, "a", "S: 220 s\n" LHLO OFFER SEND, "idle",
		SENT },
	{ "a look before MAIL", 0, MAY "tls_block_early_mail_reply=yes;", NULL, "a",
	  START "S: 220 go\nC: <tls>\n" INSIDE "C: <listen>\n" SEND, "idle", SENT },
	{ "a second transaction needs no second handshake", 0, MAY, NULL, "a",
	  START "S: 220 go\nC: <tls>\n" INSIDE SEND "+ a\n" SEND, "idle", SENT SENT },
};

static const struct script stops[] = {
	{ "a reply before MAIL, together with the offers", 0, MAY "tls_block_early_mail_reply=yes;", NULL, "a",
	  START "S: 220 go\nC: <tls>\nC: LHLO me.test\nS: 250 s\nS: 250 ok\n"
	  "L: warning: mx.test[/s]: unexpected server message ahead of MAIL: 250 ok\n", "end",
	  "a deferred 4.7.0 unexpected server message\n" },
	{ "a reply before MAIL, while listening", 0, MAY "tls_block_early_mail_reply=yes;", NULL, "a",
	  START "S: 220 go\nC: <tls>\n" INSIDE "C: <listen>\nS: 250 ok\n"
	  "L: warning: mx.test[/s]: unexpected server message ahead of MAIL: 250 ok\n", "end",
	  "a deferred 4.7.0 unexpected server message\n" },
	{ "encrypt, not offered", 0, ENCRYPT, NULL, "a", "S: 220 s\n" INSIDE QUIT, "end",
	  "a deferred 4.7.4 TLS is required, but was not offered by host mx.test[/s]\n" },
	{ "encrypt, not offered, other hosts", SCRIPT_MORE_HOSTS, ENCRYPT, NULL, "a", "S: 220 s\n" INSIDE QUIT,
		"end",
	  "a keep 4.7.4 *\n" },
	{ "encrypt, refused for now", 0, ENCRYPT, NULL, "a", START "S: 454 4.7.0 no\n" QUIT, "end",
	  "a deferred 4.7.0 TLS is required, but host mx.test[/s] refused to start TLS: 454 4.7.0 no\n" },
	{ "encrypt, refused for ever", 0, ENCRYPT, NULL, "a", START "S: 502 5.5.1 no\n" QUIT, "end",
		"a bounced 5.5.1 *\n" },
	{ "encrypt, nothing to do it with here", SCRIPT_NO_TLS, ENCRYPT, NULL, "a", "S: 220 s\n" LHLO OFFER QUIT,
		"end",
	  "a deferred 4.7.5 TLS is required, but our TLS engine is unavailable\n" },
	{ "secure, another peer", 0, "tls_security_level=secure;", NULL, "a",
		START "S: 220 go\nC: <tls refuses>\n" QUIT,
	  "end", "a deferred 4.7.5 Server certificate not verified\n" },
	{ "secure, another peer, other hosts", SCRIPT_MORE_HOSTS, "tls_security_level=secure;", NULL, "a",
	  START "S: 220 go\nC: <tls refuses>\n" QUIT, "end", "a keep 4.7.5 *\n" },
	{ "TLS first, another peer", SCRIPT_TLS_FIRST, "tls_security_level=verify;", NULL, "a",
		"C: <tls refuses>\n" QUIT,
	  "end", "a deferred 4.7.5 *\n" },
	{ "encrypt, the handshake fails", 0, ENCRYPT, NULL, "a", START "S: 220 go\nC: <tls fails>\n", "end",
	  "a deferred 4.7.5 Cannot start TLS: handshake failure (oops)\n" },
	{ "may, the handshake fails", 0, MAY, NULL, "a", START "S: 220 go\nC: <tls fails>\n", "end",
	  "a deferred 4.7.5 Cannot start TLS: handshake failure (oops)\n" },
	{ "may, the handshake fails, and clear is allowed", SCRIPT_CLEAR, MAY, NULL, "a",
	  START "S: 220 go\nC: <tls fails>\n", "end", "a keep 4.7.5 *\n" },
	{ "the handshake takes too long", 0, MAY, NULL, "a", START "S: 220 go\nC: <tls waits>\n! timeout\n",
		"end",
	  "a deferred 4.7.5 Cannot start TLS: handshake failure (timed out)\n" },
	{ "the handshake ends with the connection", 0, MAY, NULL, "a",
		START "S: 220 go\nC: <tls waits>\n! lost\n", "end",
	  "a deferred 4.7.5 Cannot start TLS: handshake failure (lost connection)\n" },
	{ "no answer to STARTTLS", 0, MAY, NULL, "a", START "! timeout\n", "end",
	  "a deferred 4.4.2 conversation with mx.test[/s] timed out while receiving the STARTTLS response\n" },
	{ "421 to STARTTLS", 0, MAY, NULL, "a", START "S: 421 4.3.2 bye\n", "end", "a deferred 4.3.2 *\n" },
	{ "a code out of place", 0, MAY, NULL, "a", START "S: 354 go\n", "end", "a deferred 4.5.0 *\n" },
	{ "a reply behind the answer to STARTTLS", 0, MAY, NULL, "a", START "S: 220 go\nS: 250 injected\n", "end",
	  "a deferred 4.5.0 Protocol error: host mx.test[/s] sent more than its answer to STARTTLS in clear"
	  " while performing the TLS handshake\n" },
	{ "part of one", 0, ENCRYPT, NULL, "a", START "S: 220 go\nS~ 2\n", "end", "a deferred 4.5.0 *\n" },
	{ "a whole conversation behind it", 0, MAY, NULL, "a",
	  START "S: 220 go\nS: 250-x\nS: 250 PIPELINING\nS: 250 ok\nS: 250 ok\nS: 354 go\nS: 250 sent\n", "end",
	  "a deferred 4.5.0 *\n" },
	{ "a reply inside that nothing awaits", 0, MAY, NULL, "a",
	  START "S: 220 go\nC: <tls>\n" LHLO "S: 250 store\nS: 250 early\n", "end", "a deferred 4.5.0 *\n" },
	{ "lost inside", 0, MAY, NULL, "a", START "S: 220 go\nC: <tls>\n" LHLO "! lost\n", "end",
		"a deferred 4.4.2 *\n" },
	{ "lost inside, and clear is allowed", SCRIPT_CLEAR, MAY, NULL, "a",
		START "S: 220 go\nC: <tls>\n" LHLO "! lost\n",
	  "end", "a keep 4.4.2 *\n" },
	{ "lost inside after the dot", SCRIPT_CLEAR, MAY, NULL, "a",
	  START "S: 220 go\nC: <tls>\n" INSIDE "C: MAIL FROM:<s@x.test>\nC: RCPT TO:<a@x.test>\nC: DATA\nS: 250 "
	  "ok\nS: 250 ok\nS: 354 go\nC: <content>\n! lost\n", "end", "a deferred 4.4.2 twice *\n" },
	{ "a recipient refused inside stays refused", SCRIPT_CLEAR, MAY, NULL, "a,b",
	  START "S: 220 go\nC: <tls>\n" INSIDE "C: MAIL FROM:<s@x.test>\nC: RCPT TO:<a@x.test>\nC: RCPT "
	  "TO:<b@x.test>\nC: DATA\nS: 250 ok\nS: 550 5.1.1 who\n! lost\n", "end",
	  "a bounced 5.1.1 *\nb keep 4.4.2 *\n" },
};

START_TEST(test_goes) { script_check(&goes[_i]); } END_TEST
START_TEST(test_stops) { script_check(&stops[_i]); } END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "goes", test_goes, UNIT_ROWS(goes), 0 },
		{ "stops", test_stops, UNIT_ROWS(stops), 0 },
	};

	return unit_main("talk/dialogue_starttls", cases, UNIT_ROWS(cases));
}
