/*
 * STARTTLS with a peer that says anything before, during and after the handshake. Input: one byte of options,
 * then the peer: bytes below 128 are said as they are, the others stand for a reply or an event. Where TLS is
 * a must nothing of the message is said in clear and nobody is sent to; what was said before the handshake
 * counts for nothing after it; mail that asks for REQUIRETLS goes no other way than that demands; whatever
 * happens, the conversation ends and every recipient is judged exactly once.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "talk/dialogue.h"

#include "../unit/manner_set.h"

#define MUST(what) ((what) ? (void)0 : abort())

enum { OPTION_SMTP = 1, OPTION_MUST = 2, OPTION_FIRST = 4, OPTION_UNREADY = 8, OPTION_CLEAR = 16,
	OPTION_LISTEN = 32,
	OPTION_REQUIRETLS = 6 };   /* the bits from there on */
enum { RCPTS = 3 };

static const char *const replies[] = {
	"220 s\r\n", "250 ok\r\n", "250-s\r\n250 STARTTLS\r\n", "250-s\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
	"250-s\r\n250-PIPELINING\r\n250 SIZE\r\n", "220 go\r\n", "220 go\r\n250 injected\r\n", "220 go\r\n2",
	"354 go\r\n", "454 no\r\n", "502 no\r\n", "421 bye\r\n", "550 5.1.1 who\r\n", "999 x\r\n",
};
enum { REPLIES = sizeof replies / sizeof replies[0], DONE = REPLIES, FAILED, REFUSED, LOSS, TIME_OUT,
	EVENTS };

struct game {
	struct dialogue *dialogue;
	struct envelope *envelope;
	struct buf out;
	unsigned options, judged[RCPTS];
	enum requiretls requiretls;
	enum dialogue_want want;
	bool greet_again;          /* the next command has to begin the session anew */
	bool may_handshake;        /* STARTTLS was said, or is not to be */
};

/* By its policy, or by the mail. */
static bool is_must(const struct game *g)
{
	return g->options & OPTION_MUST || g->requiretls >= REQUIRETLS_STARTTLS;
}

static void collect(struct game *g)
{
	struct verdict v = { 0 };
	size_t rcpt;

	while (dialogue_verdict(g->dialogue, &rcpt, &v)) {
		MUST(rcpt < RCPTS && g->judged[rcpt]++ == 0);
		MUST(v.outcome != OUTCOME_SENT || !is_must(g) || dialogue_is_secure(g->dialogue));
		verdict_clear(&v);
	}
}

static bool begins(const char *line, const char *verb)
{
	return strncmp(line, verb, strlen(verb)) == 0;
}

static bool greets(const char *line)
{
	return begins(line, "LHLO ") || begins(line, "EHLO ") || begins(line, "HELO ");
}

/* What is said in clear where TLS is a must, and what is said first inside. */
static void check_line(struct game *g, const char *line)
{
	bool harmless = greets(line) || begins(line, "STARTTLS\r\n") || begins(line, "QUIT\r\n");

	MUST(harmless || !is_must(g) || dialogue_is_secure(g->dialogue));
	MUST(g->requiretls != REQUIRETLS_ENFORCE || !begins(line, "MAIL ") || strstr(line, " REQUIRETLS"));
	MUST(!begins(line, "STARTTLS") || !dialogue_is_secure(g->dialogue));
	MUST(!g->greet_again || greets(line) || begins(line, "QUIT\r\n"));
	g->greet_again = false;
	g->may_handshake |= begins(line, "STARTTLS");
}

static void speak(struct game *g)
{
	g->want = dialogue_speak(g->dialogue, &g->out);
	while (g->want == DIALOGUE_LISTEN) {
		dialogue_heard_nothing(g->dialogue);
		g->want = dialogue_speak(g->dialogue, &g->out);
	}
	for (size_t at = 0; at < g->out.len; at += strcspn(g->out.data + at, "\n") + 1)
		check_line(g, g->out.data + at);
	buf_clear(&g->out);
	MUST(g->want != DIALOGUE_TLS || g->may_handshake);
	MUST(g->want != DIALOGUE_CONTENT || !is_must(g) || dialogue_is_secure(g->dialogue));
	if (g->want == DIALOGUE_CONTENT || g->want == DIALOGUE_DOT)
		dialogue_content_sent(g->dialogue);
	collect(g);
}

/* While the handshake is under way nothing is heard. */
static void happen(struct game *g, unsigned event)
{
	bool shaking = g->want == DIALOGUE_TLS;

	if (event < REPLIES && !shaking) {
		dialogue_hear(g->dialogue, replies[event], strlen(replies[event]));
	} else if (event == DONE && shaking) {
		dialogue_secured(g->dialogue, NULL);
		g->greet_again = true;
		MUST(dialogue_offers(g->dialogue)->offers == 0 && !dialogue_greeted(g->dialogue));
	} else if (event == FAILED && shaking) {
		dialogue_unsecured(g->dialogue, "no");
	} else if (event == REFUSED && shaking) {
		dialogue_secured(g->dialogue, "not to be trusted");
	} else if (event == LOSS) {
		dialogue_lost(g->dialogue, NULL);
	} else if (event == TIME_OUT) {
		dialogue_timed_out(g->dialogue);
	}
}

static void play(struct game *g, const uint8_t *data, size_t size)
{
	struct transaction t = { .envelope = g->envelope, .content_size = 10, .last_host = true,
		.retry_in_clear = g->options & OPTION_CLEAR && !is_must(g) };

	dialogue_begin(g->dialogue, &t);
	speak(g);
	for (size_t i = 0; i < size && g->want != DIALOGUE_END && g->want != DIALOGUE_IDLE; i++) {
		char byte = (char)data[i];

		if (data[i] >= 128)
			happen(g, (data[i] - 128u) % EVENTS);
		else if (g->want != DIALOGUE_TLS)
			dialogue_hear(g->dialogue, &byte, 1);
		collect(g);
		speak(g);
	}
	dialogue_lost(g->dialogue, NULL);
	speak(g);
	for (size_t i = 0; i < RCPTS; i++)
		MUST(g->judged[i] == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct game g = { .options = size ? data[0] : 0, .requiretls = size ? data[0] >> OPTION_REQUIRETLS : 0 };
	struct manner *m = manner_new(g.options & OPTION_SMTP ? PROTOCOL_SMTP : PROTOCOL_LMTP);
	struct dialogue_setup setup = { .manner = m, .host = "mx[1]", .myhostname = "me",
		.tls = g.options & OPTION_MUST ? DIALOGUE_TLS_MUST : DIALOGUE_TLS_OFFERED,
		.requiretls = g.requiretls, .tls_ready = !(g.options & OPTION_UNREADY),
		.tls_first = (g.options & OPTION_FIRST) && (g.options & OPTION_MUST) };
	const char *why;

	if (g.options & OPTION_LISTEN)
		manner_set(m, "tls_block_early_mail_reply", "yes", &why);
	g.may_handshake = setup.tls_first;
	g.dialogue = dialogue_new(&setup);
	g.envelope = envelope_new();
	free(g.envelope->sender);
	g.envelope->sender = mem_str("someone@x.test");   /* a report may go where other mail may not */
	buf_init(&g.out, 1 << 16);
	for (int i = 0; i < RCPTS; i++)
		envelope_add(g.envelope, "someone@x.test", NULL, 0);
	if (size)
		play(&g, data + 1, size - 1);
	dialogue_free(g.dialogue);
	envelope_free(g.envelope);
	manner_free(m);
	buf_free(&g.out);
	return 0;
}
