#include "talk_script.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "talk/dialogue.h"

#include "manner_set.h"

#define CONTENT_SIZE 1000

static char its_name[] = "c.test", its_addr[] = "192.0.2.1", its_port[] = "unknown", its_proto[] = "ESMTP";
static char its_helo[] = "say \"hi\"=+", its_ident[] = "3kQ9Xb2mT1", its_source[] = "LOCAL";

static const struct xforward client = {
	.name = its_name, .addr = its_addr, .port = its_port, .proto = its_proto, .helo = its_helo,
	.ident = its_ident, .source = its_source,
};

struct play {
	const struct script *script;
	const struct script_login *login;
	struct manner *manner;
	struct dialogue *dialogue;
	struct envelope *envelope;
	struct envelope *earlier;  /* of the transaction that ends while that one has begun */
	struct buf expected;      /* commands of the lines "C:" read last */
	const char *ask;          /* "<content>" … of those lines, or NULL */
	bool expecting;
	struct buf heard;         /* bytes of the lines "S:" read last */
	struct buf verdicts;
	struct buf *wrong;
	bool bytewise;
};

static const char *const outcomes[] = { "none", "sent", "deferred", "bounced", "keep", "again", "alone" };
static const char *const wants[] = { "reply", "content", "dot", "tls", "listen", "login", "idle", "end" };

static void complain(struct play *p, const char *what, const char *text, const char *expected)
{
	if (p->wrong->len == 0)
		buf_fmt(p->wrong, "%s: <<%s>> expected: <<%s>>", what, text, expected);
}

static void collect(struct play *p)
{
	const struct envelope *e = p->earlier ? p->earlier : p->envelope;
	size_t rcpt;
	struct verdict v = { 0 };

	while (dialogue_verdict(p->dialogue, &rcpt, &v)) {
		const char *address = e->rcpts[rcpt].address;

		buf_fmt(&p->verdicts, "%.*s %s %s%s %s\n", (int)strcspn(address, "@"), address, outcomes[v.outcome],
		        v.dsn, v.maybe_twice ? " twice" : "", v.text);
		verdict_clear(&v);
	}
	if (!p->earlier || (dialogue_follows(p->dialogue) && !dialogue_passed(p->dialogue)))
		return;
	envelope_free(p->earlier);
	p->earlier = NULL;
	collect(p);
}

/* Makes room for the next envelope; that of a transaction which goes on stays. */
static void put_away(struct play *p)
{
	if (p->envelope && dialogue_may_follow(p->dialogue))
		p->earlier = p->envelope;
	else
		envelope_free(p->envelope);
	p->envelope = envelope_new();
}

static void begin(struct play *p, struct text rcpts)
{
	const struct script *s = p->script;
	struct transaction t = {
		.content_size = CONTENT_SIZE, .eight_bit = s->how & SCRIPT_EIGHT_BIT, .probe = s->how & SCRIPT_PROBE,
		.utf8_header = s->how & SCRIPT_UTF8_HEADER, .client = s->how & SCRIPT_CLIENT ? &client : NULL,
		.age = s->how & SCRIPT_OLD ? 3600 * 1000 : 0, .last_host = !(s->how & SCRIPT_MORE_HOSTS),
		.retry_in_clear = s->how & SCRIPT_CLEAR,
	};
	struct text one, name;
	const char *why;

	put_away(p);
	if (!envelope_mail(p->envelope, text_of(s->mail ? s->mail : " FROM:<s@x.test>"), &why))
		complain(p, "MAIL of the script", s->mail, why);
	while (text_list_next(&rcpts, &one)) {
		char *args;

		text_until(&one, '/', &name) ? (void)0 : (void)(name = one, one.n = 0);
		args = mem_fmt(" TO:<%.*s@x.test> %.*s", (int)name.n, name.p, (int)one.n, one.p);
		if (!envelope_rcpt(p->envelope, text_of(args), 1000000, &why))
			complain(p, "RCPT of the script", args, why);
		free(args);
	}
	t.envelope = p->envelope;
	dialogue_begin(p->dialogue, &t);
}

static void shake_hands(struct play *p, const char *how)
{
	if (strcmp(how, "<tls fails>") == 0)
		dialogue_unsecured(p->dialogue, "oops");
	else if (strcmp(how, "<tls refuses>") == 0)
		dialogue_secured(p->dialogue, "Server certificate not verified");
	else if (strcmp(how, "<tls>") == 0)
		dialogue_secured(p->dialogue, NULL);
}

static void give_login(struct play *p)
{
	const char *login = p->login->who, *colon = login ? strchr(login, ':') : NULL;
	char *user = login ? mem_strn(login, colon ? (size_t)(colon - login) : strlen(login)) : NULL;
	struct auth_setup who = {
		.service = "smtp", .host = "mx.test", .user = user, .password = colon ? colon + 1 : "",
		.options = p->login->options, .external = !colon,
	};

	if (!login)
		dialogue_login_none(p->dialogue);
	else if (login[0] == '!')
		dialogue_login_fails(p->dialogue, "4.3.0", login + 1);
	else
		dialogue_login(p->dialogue, &who, dialogue_offers(p->dialogue)->auth);
	free(user);
}

/* The password, as it is or in base64, stands nowhere but on the wire. */
static void check_secret(struct play *p)
{
	const char *colon = p->login->who ? strchr(p->login->who, ':') : NULL;
	const char *complaint = dialogue_complaint(p->dialogue);

	if (!colon)
		return;
	if (strstr(dialogue_transcript(p->dialogue), colon + 1) || strstr(buf_text(&p->verdicts), colon + 1)
			|| (complaint && strstr(complaint, colon + 1)))
		complain(p, "shows the password", dialogue_transcript(p->dialogue), "");
	if (strstr(dialogue_transcript(p->dialogue), "c2VjcmV0"))
		complain(p, "shows the password in base64", dialogue_transcript(p->dialogue), "");
}

static void send(struct play *p, const char *ask)
{
	bool whole = strcmp(ask, "<last>") == 0, last = whole || strcmp(ask, "<rest>") == 0;
	bool chunk = last || strcmp(ask, "<chunk>") == 0;
	struct buf command;

	if (chunk != (*ask && strcmp(ask, "<dot>") != 0 && dialogue_chunked(p->dialogue)))
		complain(p, "content", chunk ? "in chunks" : "whole", ask);
	buf_init(&command, 100);
	if (chunk)
		dialogue_chunk(p->dialogue, CONTENT_SIZE, last, &command);
	if (chunk && strcmp(buf_text(&command), whole ? "BDAT 1000 LAST\r\n" : "BDAT 1000\r\n") != 0)
		complain(p, "chunk", buf_text(&command), ask);
	buf_free(&command);
	if (*ask && strcmp(ask, "<early>") != 0 && strcmp(ask, "<chunk>") != 0)
		dialogue_content_sent(p->dialogue);
}

/* Lets the dialogue speak and compares with the lines "C:". */
static void speak(struct play *p)
{
	struct buf out;
	enum dialogue_want want;
	const char *ask = p->ask ? p->ask : "";
	bool dot = strcmp(ask, "<dot>") == 0, tls = strncmp(ask, "<tls", 4) == 0,
		listen = strcmp(ask, "<listen>") == 0;
	bool content = *ask && !dot && !tls && !listen;

	p->expecting = false;
	buf_init(&out, 1 << 20);
	while ((want = dialogue_speak(p->dialogue, &out)) == DIALOGUE_LOGIN)
		give_login(p);
	if (strcmp(buf_text(&out), buf_text(&p->expected)) != 0)
		complain(p, "said", buf_text(&out), buf_text(&p->expected));
	if ((want == DIALOGUE_CONTENT) != content || (want == DIALOGUE_DOT) != dot
		|| (want == DIALOGUE_TLS) != tls
			|| (want == DIALOGUE_LISTEN) != listen)
		complain(p, "wants", wants[want], ask);
	else if (listen)
		dialogue_heard_nothing(p->dialogue);
	else if (tls)
		shake_hands(p, ask);
	else
		send(p, ask);
	buf_free(&out);
	buf_clear(&p->expected);
	p->ask = NULL;
	collect(p);
}

static void hear(struct play *p)
{
	const char *bytes = buf_text(&p->heard);
	size_t step = p->bytewise ? 1 : p->heard.len;

	for (size_t i = 0; i < p->heard.len; i += step)
		dialogue_hear(p->dialogue, bytes + i, step);
	buf_clear(&p->heard);
	collect(p);
}

static void happen(struct play *p, struct text what)
{
	if (text_is(what, "lost"))
		dialogue_lost(p->dialogue, NULL);
	else if (text_is(what, "reset"))
		dialogue_lost(p->dialogue, "Connection reset by peer");
	else if (text_is(what, "timeout"))
		dialogue_timed_out(p->dialogue);
	else
		dialogue_abort(p->dialogue, "4.3.0", "cannot read the message");
	collect(p);
}

static void expect(struct play *p, struct text line)
{
	p->expecting = true;
	if (line.n && *line.p == '<') {
		static const char *const asks[] = {
			"<content>", "<early>", "<dot>", "<tls>", "<tls fails>", "<tls refuses>", "<tls waits>",
			"<listen>", "<chunk>", "<rest>", "<last>"
		};

		for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
			if (text_is(line, asks[i]))
				p->ask = asks[i];
		return;
	}
	buf_add(&p->expected, line.p, line.n);
	buf_str(&p->expected, "\r\n");
}

static void expect_remark(struct play *p, struct text line)
{
	char *remark = dialogue_remark(p->dialogue);

	if (!remark || !text_is(line, remark))
		complain(p, "remark", remark ? remark : "none", line.p);
	free(remark);
}

/* One line of the script; what was gathered from lines of another kind happens first. */
static void play_line(struct play *p, struct text line)
{
	char kind = *line.p;
	struct text rest = line.n > 3 ? text_make(line.p + 3, line.n - 3) : text_make(line.p, 0);

	if (kind != 'S' && p->heard.len)
		hear(p);
	if (p->expecting && (kind != 'C' || (p->ask && (p->ask[1] == 't' || p->ask[1] == 'l'))))
		speak(p);
	if (kind == 'S') {
		buf_add(&p->heard, rest.p, rest.n);
		if (line.p[1] == ':')
			buf_str(&p->heard, "\r\n");
	} else if (kind == 'C') {
		expect(p, rest);
	} else if (kind == 'L') {
		expect_remark(p, rest);
	} else if (kind == '-') {
		speak(p);
	} else if (kind == '!') {
		happen(p, text_make(line.p + 2, line.n - 2));
	} else if (text_is(line, "+ quit")) {
		speak(p);
		dialogue_quit(p->dialogue);
	} else {
		speak(p);
		begin(p, text_make(line.p + 2, line.n - 2));
	}
}

static void play_all(struct play *p)
{
	struct text play = text_of(p->script->play), line;
	struct buf out;
	const char *want;

	begin(p, text_of(p->script->rcpts));
	while (text_until(&play, '\n', &line))
		play_line(p, line);
	if (p->heard.len)
		hear(p);
	if (p->expecting)
		speak(p);
	buf_init(&out, 1 << 20);
	want = wants[dialogue_speak(p->dialogue, &out)];
	if (strcmp(want, p->script->end) != 0)
		complain(p, "at the end wants", want, p->script->end);
	if (out.len)
		complain(p, "at the end says", buf_text(&out), "");
	if (dialogue_reusable(p->dialogue) != (strcmp(want, "idle") == 0))
		complain(p, "at the end reusable", "?", want);
	buf_free(&out);
	collect(p);
}

static void compare_verdicts(struct play *p)
{
	struct text got = text_of(buf_text(&p->verdicts)), wanted = text_of(p->script->verdicts), a, b;

	for (;;) {
		bool more = text_until(&got, '\n', &a), due = text_until(&wanted, '\n', &b);
		bool prefix = due && b.n && b.p[b.n - 1] == '*';

		if (!more && !due)
			return;
		if (more && due && (prefix ? a.n >= b.n - 1 && memcmp(a.p, b.p, b.n - 1) == 0
		                           : a.n == b.n && memcmp(a.p, b.p, a.n) == 0))
			continue;
		complain(p, "verdicts", buf_text(&p->verdicts), p->script->verdicts);
		return;
	}
}

static void set_options(struct play *p)
{
	struct text options = text_of(p->script->options), option, name;
	const char *why;

	while (text_until(&options, ';', &option)) {
		char *n, *value;

		text_until(&option, '=', &name);
		n = mem_strn(name.p, name.n);
		value = mem_strn(option.p, option.n);
		if (!manner_set(p->manner, n, value, &why))
			complain(p, "option", n, why);
		free(n);
		free(value);
	}
}

static enum requiretls requiretls_of(unsigned how)
{
	return how & SCRIPT_ENFORCE ? REQUIRETLS_ENFORCE : how & SCRIPT_STARTTLS ? REQUIRETLS_STARTTLS
		: how & SCRIPT_OPPORTUNISTIC ? REQUIRETLS_OPPORTUNISTIC : REQUIRETLS_OFF;
}

static void play_script(const struct script *s, const struct script_login *login, bool bytewise,
	struct buf *wrong)
{
	struct play p = { .script = s, .login = login, .wrong = wrong, .bytewise = bytewise };
	struct dialogue_setup setup = {
		.host = "mx.test[/s]", .myhostname = "me.test",
		.soft_bounce = s->how & SCRIPT_SOFT_BOUNCE, .debug = s->how & SCRIPT_DEBUG ? 2 : 0,
		.own_name = s->how & SCRIPT_OWN_LOOPS ? OWN_NAME_LOOPS
			: s->how & SCRIPT_OWN_WAITS ? OWN_NAME_WAITS : OWN_NAME_FINE,
		.requiretls = requiretls_of(s->how), .tls_ready = !(s->how & SCRIPT_NO_TLS),
		.tls_first = s->how & SCRIPT_TLS_FIRST,
	};
	enum tls_level level;
	const char *why;

	buf_init(&p.expected, 1 << 20);
	buf_init(&p.heard, 4 << 20);
	buf_init(&p.verdicts, 1 << 20);
	p.manner = manner_new(s->how & SCRIPT_SMTP ? PROTOCOL_SMTP : PROTOCOL_LMTP);
	manner_set(p.manner, s->how & SCRIPT_SMTP ? "helo_name" : "lhlo_name", "", &why);
	set_options(&p);
	level = manner_tls_level(p.manner);
	setup.tls = level == TLS_NONE ? DIALOGUE_TLS_NEVER : level == TLS_MAY
		? DIALOGUE_TLS_OFFERED : DIALOGUE_TLS_MUST;
	setup.manner = p.manner;
	setup.discard = ehlo_mask(p.manner->discard_ehlo_keywords);
	setup.pix = manner_pix(p.manner->pix_workarounds);
	p.dialogue = dialogue_new(&setup);
	play_all(&p);
	compare_verdicts(&p);
	check_secret(&p);
	dialogue_free(p.dialogue);
	manner_free(p.manner);
	envelope_free(p.envelope);
	envelope_free(p.earlier);
	buf_free(&p.expected);
	buf_free(&p.heard);
	buf_free(&p.verdicts);
}

void script_check(const struct script *s)
{
	script_check_as(s, &(struct script_login){ NULL, "" });
}

void script_check_as(const struct script *s, const struct script_login *login)
{
	for (int bytewise = 0; bytewise < 2; bytewise++) {
		struct buf wrong;

		buf_init(&wrong, 1 << 20);
		play_script(s, login, bytewise, &wrong);
		ck_assert_msg(wrong.len == 0, "%s%s: %s", s->name, bytewise ? " (bytewise)" : "", buf_text(&wrong));
		buf_free(&wrong);
	}
}
