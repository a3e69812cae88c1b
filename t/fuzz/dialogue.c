/*
 * A dialogue with a peer that says anything. Input: one byte of options, one for the number of recipients and
 * two more options, then the peer: bytes below 128 are said as they are, the others stand for a whole reply
 * or an event. Whatever happens, the conversation ends, every recipient of a transaction that has begun is
 * judged exactly once, nothing is said unasked, and content goes out only after a 354 (or as BDAT) and for
 * somebody who was accepted.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "talk/dialogue.h"

#include "../unit/manner_set.h"

#define MUST(what) ((what) ? (void)0 : abort())

enum {
	OPTION_SMTP = 1, OPTION_PROBE = 2, OPTION_MORE_HOSTS = 4, OPTION_DSN = 8, OPTION_SLOW = 16,
	OPTION_CHUNKING = 32, OPTION_FOLLOW = 64, OPTION_TLS = 128,
	/* in the second byte */
	OPTION_CLIENT = 64 << 8, OPTION_LARGE = 128 << 8
};
enum { RCPTS_MAX = 64, TRANSACTIONS = 3 };

static const char *const replies[] = {
	"220 s\r\n", "250 ok\r\n", "250 ok\r\n", "250-s\r\n250-PIPELINING\r\n250-DSN\r\n250 SIZE\r\n",
	"250-s\r\n250 SIZE 5\r\n",
	"354 go\r\n", "354 go\r\n", "421 4.3.2 down\r\n", "450 no\r\n", "452 4.5.3 many\r\n",
	"452 4.2.2 full\r\n", "500 what\r\n",
	"550 5.1.1 who\r\n", "552 5.2.3 large\r\n", "552 5.5.3 many\r\n", "000 x\r\n", "999 x\r\n",
	"150 x\r\n", "garbage\r\n",
};
static const char *const more_replies[] = {
	"250-s\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 DSN\r\n", "250-s\r\n250 CHUNKING\r\n",
	"250-s\r\n250-PIPELINING\r\n250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n",
	"250-s\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-XFORWARD NAME PROTO\r\n250 STARTTLS\r\n",
	"250-s\r\n250 STARTTLS\r\n", "454 4.7.0 no TLS\r\n", "503 5.5.1 nobody\r\n",
	"250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n", "250 ok\r\n250 ok\r\n354 go\r\n", "220 go\r\n250 early\r\n",
};
enum {
	REPLIES = sizeof(replies) / sizeof(replies[0]),
	MORE_REPLIES = sizeof(more_replies) / sizeof(more_replies[0]),
	TIME_OUT = REPLIES, LOSS, ABORT, CONTENT, QUIT, SECURED, UNSECURED, REFUSED, FIRST_OF_MORE,
	EVENTS = FIRST_OF_MORE + MORE_REPLIES
};

/* One transaction as it is seen from outside. */
struct part {
	unsigned judged[RCPTS_MAX];
	unsigned chunks;               /* sent so far */
	bool dot_sent;
};

struct game {
	struct dialogue *dialogue;
	struct envelope *envelope;
	struct reply_reader *shadow;   /* counts what the peer said by itself */
	struct buf out;
	unsigned options, transactions;
	struct part now, next;         /* next: begun while the one before was not over */
	bool follows;
	size_t heard, heard_before;    /* replies on this session: all, and those before the last command */
	size_t positive;               /* 2xx heard in this transaction */
	int last_code;
	bool pipelining, shaking, over;
};

static void all_judged(const struct game *g)
{
	for (size_t i = 0; i < g->envelope->count; i++)
		MUST(g->now.judged[i] == 1);
}

static void collect_now(struct game *g)
{
	size_t rcpt;
	struct verdict v = { 0 };

	while (dialogue_verdict(g->dialogue, &rcpt, &v)) {
		MUST(rcpt < g->envelope->count && g->now.judged[rcpt]++ == 0);
		MUST(v.outcome != OUTCOME_NONE && v.text && strlen(v.dsn) >= 5);
		MUST(v.outcome != OUTCOME_SENT || g->now.dot_sent || g->options & OPTION_PROBE);
		MUST(v.outcome != OUTCOME_BOUNCED || v.dsn[0] == '5');
		MUST(!v.maybe_twice || g->now.dot_sent);
		verdict_clear(&v);
	}
}

/* The earlier one's verdicts come first; then the later one is there, or was never begun. */
static void collect(struct game *g)
{
	collect_now(g);
	if (!g->follows)
		return;
	if (!dialogue_follows(g->dialogue)) {
		g->follows = false;
	} else if (dialogue_passed(g->dialogue)) {
		all_judged(g);
		g->now = g->next;
		g->follows = false;
		collect_now(g);
	}
}

/* Each line is one known command; without PIPELINING, and before the greeting, none runs ahead of its
 * reply. */
static void check_commands(struct game *g)
{
	static const char *const verbs[] = {
		"LHLO ", "EHLO ", "HELO ", "RSET\r", "MAIL FROM:<", "RCPT TO:<", "DATA\r", "QUIT\r",
		"XFORWARD ", "STARTTLS\r", "BDAT 0 LAST\r",
	};

	for (size_t at = 0; at < g->out.len;) {
		const char *line = g->out.data + at, *end = strstr(line, "\r\n");
		bool known = false;

		MUST(end && !memchr(line, '\n', (size_t)(end - line)));
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
			known = known || strncmp(line, verbs[i], strlen(verbs[i])) == 0;
		MUST(known);
		MUST(line[0] != 'B' || (g->now.chunks > 1 && !g->now.dot_sent));
		g->now.dot_sent = g->now.dot_sent || line[0] == 'B';
		MUST(g->pipelining || g->heard > g->heard_before);
		g->heard_before = g->heard;
		at = (size_t)(end - g->out.data) + 2;
	}
	MUST(g->out.len <= 4096 + 512);
}

static void begin(struct game *g)
{
	static char name[] = "client.test", addr[] = "192.0.2.1", helo[] = "a b=+";
	static const struct xforward client = { .name = name, .addr = addr, .helo = helo };
	struct transaction t = {
		.envelope = g->envelope, .content_size = 10, .probe = g->options & OPTION_PROBE,
		.last_host = !(g->options & OPTION_MORE_HOSTS), .client = g->options & OPTION_CLIENT ? &client : NULL,
	};

	g->follows = dialogue_may_follow(g->dialogue);
	if (g->follows)
		g->next = (struct part){ .chunks = 0 };
	else
		g->now = (struct part){ .chunks = 0 };
	g->positive = 0;
	g->transactions++;
	dialogue_begin(g->dialogue, &t);
}

static enum dialogue_want speak(struct game *g)
{
	enum dialogue_want want = dialogue_speak(g->dialogue, &g->out);

	g->pipelining = dialogue_offers(g->dialogue)->offers & EHLO_PIPELINING;
	g->shaking = want == DIALOGUE_TLS;
	check_commands(g);
	buf_clear(&g->out);
	MUST(want != DIALOGUE_CONTENT || dialogue_chunked(g->dialogue)
		|| (g->last_code / 100 == 3 && g->positive >= 2));
	MUST(want != DIALOGUE_CONTENT || !(g->options & OPTION_PROBE));
	MUST(want != DIALOGUE_DOT || g->last_code / 100 == 3);
	MUST(want != DIALOGUE_TLS || g->options & OPTION_TLS);
	collect(g);
	MUST((want != DIALOGUE_CONTENT && want != DIALOGUE_DOT && want != DIALOGUE_IDLE && want != DIALOGUE_END)
		|| !g->follows);
	if (want == DIALOGUE_IDLE || want == DIALOGUE_END)
		all_judged(g);
	return want;
}

/* Content goes out whole, or a chunk of it. */
static void send(struct game *g, enum dialogue_want want)
{
	bool chunked = want == DIALOGUE_CONTENT && dialogue_chunked(g->dialogue);
	bool last = !chunked || !(g->options & OPTION_LARGE) || g->now.chunks == 2;

	if (chunked)
		dialogue_chunk(g->dialogue, 5, last, &g->out);
	buf_clear(&g->out);
	g->now.chunks += chunked;
	if (!last)
		return;
	g->now.dot_sent = g->now.chunks <= 1;
	dialogue_content_sent(g->dialogue);
}

/* Does what is wanted, as a driver would. */
static void drive(struct game *g)
{
	enum dialogue_want want = speak(g);

	if ((want == DIALOGUE_CONTENT && !(g->options & OPTION_SLOW)) || want == DIALOGUE_DOT) {
		send(g, want);
		want = speak(g);
	}
	if (g->transactions < TRANSACTIONS && (want == DIALOGUE_IDLE || dialogue_may_follow(g->dialogue))) {
		begin(g);
		want = speak(g);
	}
	g->over = want == DIALOGUE_END;
}

static void hear(struct game *g, const char *bytes, size_t n)
{
	struct reply r;
	const char *at = bytes;
	size_t rest = n;

	while (rest && reply_reader_next(g->shadow, &at, &rest, &r) == REPLY_READY) {
		g->heard++;
		g->positive += r.code / 100 == 2;
		g->last_code = r.code;
	}
	dialogue_hear(g->dialogue, bytes, n);
	collect(g);
}

/* The other side is not heard while TLS is being made. */
static void shake_hands(struct game *g, unsigned event)
{
	if (event == SECURED)
		dialogue_secured(g->dialogue, NULL);
	else if (event == UNSECURED)
		dialogue_unsecured(g->dialogue, "no");
	else if (event == REFUSED)
		dialogue_secured(g->dialogue, "not to be trusted");
}

static void happen(struct game *g, unsigned event)
{
	enum dialogue_want want;

	if (event == TIME_OUT)
		dialogue_timed_out(g->dialogue);
	else if (event == LOSS)
		dialogue_lost(g->dialogue, event & 1 ? "reset" : NULL);
	else if (g->shaking)
		shake_hands(g, event);
	else if (event < REPLIES)
		hear(g, replies[event], strlen(replies[event]));
	else if (event >= FIRST_OF_MORE)
		hear(g, more_replies[event - FIRST_OF_MORE], strlen(more_replies[event - FIRST_OF_MORE]));
	else if (event == ABORT)
		dialogue_abort(g->dialogue, "4.3.0", "no");
	else if (event == CONTENT && (want = speak(g)) == DIALOGUE_CONTENT)
		send(g, want);
	else if (event == QUIT)
		dialogue_quit(g->dialogue);
}

static void play(struct game *g, const uint8_t *data, size_t size)
{
	begin(g);
	for (size_t i = 0; i < size && !g->over; i++) {
		char byte = (char)data[i];

		if (data[i] >= 128)
			happen(g, (data[i] - 128) % EVENTS);
		else if (!g->shaking)
			hear(g, &byte, 1);
		MUST(dialogue_timeout(g->dialogue) >= 0 && dialogue_stage(g->dialogue) < STAGE_COUNT);
		if (data[i] >= 128 || byte == '\n')
			drive(g);
	}
	dialogue_lost(g->dialogue, NULL);
	MUST(speak(g) == DIALOGUE_END && !dialogue_reusable(g->dialogue));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct game g = { .heard = 0 };
	struct dialogue_setup setup = { .host = "mx[1]", .myhostname = "me" };
	struct manner *m;
	const char *why;

	if (size < 2)
		return 0;
	g.options = data[0] | (unsigned)data[1] << 8;
	m = manner_new(g.options & OPTION_SMTP ? PROTOCOL_SMTP : PROTOCOL_LMTP);
	manner_set(m, "chunking", g.options & OPTION_CHUNKING ? "yes" : "no", &why);
	manner_set(m, "pipeline_transactions", g.options & OPTION_FOLLOW ? "yes" : "no", &why);
	manner_set(m, "send_xforward_command", g.options & OPTION_CLIENT ? "yes" : "no", &why);
	setup.manner = m;
	setup.tls = g.options & OPTION_TLS ? DIALOGUE_TLS_OFFERED : DIALOGUE_TLS_NEVER;
	setup.tls_ready = true;
	g.dialogue = dialogue_new(&setup);
	g.shadow = reply_reader_new();
	g.envelope = envelope_new();
	buf_init(&g.out, 1 << 16);
	for (unsigned i = 0; i < data[1] % RCPTS_MAX + 1u; i++)
		envelope_add(g.envelope, "someone@a-domain-of-some-length.example.test", NULL,
		             g.options & OPTION_DSN ? NOTIFY_NEVER : 0);
	play(&g, data + 2, size - 2);
	dialogue_free(g.dialogue);
	reply_reader_free(g.shadow);
	envelope_free(g.envelope);
	manner_free(m);
	buf_free(&g.out);
	return 0;
}
