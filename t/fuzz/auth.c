/*
 * A login with a server that says anything. Input: one byte chooses the mechanism that it offers, then the
 * server: bytes below 128 are said as they are, the others stand for a whole reply. Whatever happens, the
 * conversation ends, the recipient is judged exactly once, no mail is begun unless the mechanism has had its
 * way (never where the server has to prove that it knows the password), and the password stands nowhere but
 * on the wire.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "talk/dialogue.h"

#include "../unit/manner_set.h"

#define MUST(what) ((what) ? (void)0 : abort())
#define PASSWORD "pass-0123456789"
#define ENCODED "cGFzcy0wMTIzNDU2Nzg5"   /* the password in base64 */

/* What a client has to have said before its mail, NULL: there is no way to it. */
static const struct {
	const char *mechanism, *said;
} mechanisms[] = {
	{ "PLAIN", "AUTH PLAIN AHVzZXIAcGFzcy0wMTIzNDU2Nzg5\r\n" }, { "LOGIN", "\r\n" ENCODED "\r\n" },
	{ "CRAM-MD5", "\r\ndXNlci" }, { "XOAUTH2", "AUTH XOAUTH2 " }, { "OAUTHBEARER", "AUTH OAUTHBEARER " },
	{ "DIGEST-MD5", NULL }, { "SCRAM-SHA-1", NULL }, { "SCRAM-SHA-256", NULL },
};

static const char *const replies[] = {
	"235 2.7.0 ok\r\n", "334 \r\n", "334 PDE+\r\n", "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n",
	"535 5.7.8 no\r\n",
	"334 e30=\r\n", "454 4.7.0 later\r\n", "504 5.5.4 what\r\n", "334 !!!\r\n", "334-PDE+\r\n334 PDE+\r\n",
	"334\r\n",
	"421 4.3.2 down\r\n", "250 ok\r\n", "354 go\r\n", "000 x\r\n", "535 " PASSWORD " " ENCODED "\r\n",
	"334 " ENCODED "\r\n", "334 cj14LHM9YWFhYSxpPTQwOTY=\r\n", "334 dj1hYWFh\r\n", "334 cnNwYXV0aD0wMDAw\r\n",
	"334 bm9uY2U9ImFiYyIscW9wPSJhdXRoIixhbGdvcml0aG09bWQ1LXNlc3MsY2hhcnNldD11dGYtOA==\r\n", "garbage\r\n",
};
enum { REPLIES = sizeof replies / sizeof *replies, MECHANISMS = sizeof mechanisms / sizeof *mechanisms };

struct game {
	struct dialogue *dialogue;
	struct buf wire;             /* all that was said */
	struct buf heard;            /* what the server has said to the login and later */
	unsigned judged;
	bool over;
};

static void hides(const char *text)
{
	MUST(!text || (!strstr(text, PASSWORD) && !strstr(text, ENCODED)));
}

static void collect(struct game *g)
{
	struct verdict v = { 0 };
	char *remark;
	size_t rcpt;

	while ((remark = dialogue_remark(g->dialogue))) {
		hides(remark);
		free(remark);
	}
	while (dialogue_verdict(g->dialogue, &rcpt, &v)) {
		g->judged++;
		hides(v.text);
		hides(v.reply);
		verdict_clear(&v);
	}
}

/* Until the server has to say something, or all is over. */
static void speak(struct game *g)
{
	const struct auth_setup who = { .service = "smtp", .host = "mx.test", .user = "user",
		.password = PASSWORD,
		.options = "" };

	for (;;) {
		enum dialogue_want want = dialogue_speak(g->dialogue, &g->wire);

		collect(g);
		g->over = want == DIALOGUE_IDLE || want == DIALOGUE_END;
		if (want == DIALOGUE_LOGIN)
			dialogue_login(g->dialogue, &who, dialogue_offers(g->dialogue)->auth);
		else if (want == DIALOGUE_CONTENT || want == DIALOGUE_DOT)
			dialogue_content_sent(g->dialogue);
		else
			return;
	}
}

static void say(struct game *g, const char *bytes, size_t n)
{
	dialogue_hear(g->dialogue, bytes, n);
	speak(g);
}

static void play(struct game *g, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size && !g->over; i++) {
		char byte = (char)data[i];
		const char *reply = replies[data[i] % REPLIES];

		size_t n = data[i] < 128 ? 1 : strlen(reply);

		buf_add(&g->heard, n == 1 ? &byte : reply, n);
		say(g, n == 1 ? &byte : reply, n);
	}
	if (!g->over) {
		dialogue_lost(g->dialogue, NULL);
		speak(g);
	}
}

/* Some line begins as a reply that accepts does. */
static bool says_yes(const struct buf *heard)
{
	bool start = true;

	for (size_t i = 0; i < heard->len; i++) {
		if (start && heard->data[i] == '2')
			return true;
		start = heard->data[i] == '\n';
	}
	return false;
}

static void judge(const struct game *g, unsigned which)
{
	const char *wire = buf_text(&g->wire), *said = mechanisms[which].said;

	MUST(g->over && g->judged == 1);
	MUST(!strstr(wire, "MAIL FROM") || (said && strstr(wire, said)));
	MUST(!strstr(wire, "MAIL FROM") || says_yes(&g->heard));
	hides(dialogue_transcript(g->dialogue));
	hides(dialogue_complaint(g->dialogue));
}

static void meet(struct game *g, unsigned which, struct manner *m, const struct envelope *e)
{
	const struct transaction t = { .envelope = e, .content_size = 10, .last_host = true };
	char *hello = mem_fmt("220 mx ESMTP\r\n250-mx\r\n250 AUTH %s\r\n", mechanisms[which].mechanism);

	g->dialogue = dialogue_new(&(struct dialogue_setup){ .manner = m, .host = "mx.test", .myhostname = "me",
		.debug = 2 });
	buf_init(&g->wire, 1 << 24);
	buf_init(&g->heard, 1 << 24);
	dialogue_begin(g->dialogue, &t);
	say(g, hello, strcspn(hello, "\n") + 1);
	say(g, hello + strcspn(hello, "\n") + 1, strlen(hello + strcspn(hello, "\n") + 1));
	free(hello);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool open;
	struct manner *m;
	struct envelope *e;
	struct game g = { 0 };
	const char *why;
	char *what;

	if (size == 0 || size > 65536)
		return 0;
	open = open || auth_library_open(&what);
	MUST(open);
	m = manner_new(PROTOCOL_SMTP);
	manner_set(m, "sasl_auth_enable", "yes", &why);
	e = envelope_new();
	envelope_add(e, "a@x.test", NULL, 0);
	meet(&g, data[0] % MECHANISMS, m, e);
	play(&g, data + 1, size - 1);
	judge(&g, data[0] % MECHANISMS);
	dialogue_free(g.dialogue);
	buf_free(&g.wire);
	buf_free(&g.heard);
	envelope_free(e);
	manner_free(m);
	return 0;
}
