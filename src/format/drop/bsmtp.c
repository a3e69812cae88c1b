#include "format/drop/bsmtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/content/content.h"

/* An address of 1000 bytes, the same again as xtext in ORCPT or AUTH, and everything else fit into a
 * command line. */
enum {
	COMMAND_MAX = 8192,
	QUEUE_FILE_SLACK = 64        /* printing an envelope may make a line a little longer */
};

static const char bom[] = "\xef\xbb\xbf";

enum phase {
	PHASE_BETWEEN,   /* no transaction is open */
	PHASE_ENVELOPE,  /* behind MAIL */
	PHASE_CONTENT,
	PHASE_ENDED,     /* the last piece is out, the event about it is not */
	PHASE_QUIT,
	PHASE_BAD
};

struct bsmtp {
	size_t rcpt_limit;
	uint64_t size_limit;
	enum phase phase;
	uint64_t taken;              /* bytes of the file taken so far */
	uint64_t line_number;        /* of the line at hand */
	size_t line_max;             /* bytes of a command line without its end */
	struct buf line;             /* beginning of a command line whose end is still to come */
	bool crlf;                   /* what the first line said */
	bool extra;                  /* something was there that a queue file does not have */
	unsigned transactions;
	struct envelope *envelope;
	struct content content;
	struct bsmtp_watch watch;
	struct buf error;
};

struct bsmtp *bsmtp_new(size_t rcpt_limit, uint64_t size_limit)
{
	struct bsmtp *b = mem_alloc(sizeof *b);

	b->rcpt_limit = rcpt_limit;
	b->size_limit = size_limit;
	b->line_number = 1;
	b->line_max = COMMAND_MAX;
	buf_init(&b->line, COMMAND_MAX + QUEUE_FILE_SLACK + 1);
	buf_init(&b->error, 512);
	content_init(&b->content);
	bsmtp_watch_init(&b->watch);
	return b;
}

void bsmtp_expect_queue_file(struct bsmtp *b)
{
	b->line_max = COMMAND_MAX + QUEUE_FILE_SLACK;
}

void bsmtp_free(struct bsmtp *b)
{
	if (!b)
		return;
	envelope_free(b->envelope);
	content_free(&b->content);
	bsmtp_watch_free(&b->watch);
	buf_free(&b->line);
	buf_free(&b->error);
	free(b);
}

static bool refuse(struct bsmtp *b, const char *command, const char *complaint)
{
	b->phase = PHASE_BAD;
	buf_fmt(&b->error, "line %llu: %s%s", (unsigned long long)b->line_number, command, complaint);
	return false;
}

static void take(struct bsmtp *b, struct text *slice, size_t n)
{
	*slice = text_make(slice->p + n, slice->n - n);
	b->taken += n;
}

/* The commands; args is what stands behind the verb. */

static bool do_mail(struct bsmtp *b, struct text args)
{
	const char *why;

	if (b->phase != PHASE_BETWEEN)
		return refuse(b, "MAIL ", "inside a transaction");
	envelope_free(b->envelope);
	b->envelope = envelope_new();
	b->phase = PHASE_ENVELOPE;
	return envelope_mail(b->envelope, args, &why) || refuse(b, "MAIL FROM: ", why);
}

static bool do_rcpt(struct bsmtp *b, struct text args)
{
	const char *why;

	if (b->phase != PHASE_ENVELOPE)
		return refuse(b, "RCPT ", "without MAIL ahead of it");
	return envelope_rcpt(b->envelope, args, b->rcpt_limit, &why) || refuse(b, "RCPT TO: ", why);
}

static bool do_data(struct bsmtp *b, struct text args)
{
	if (b->phase != PHASE_ENVELOPE)
		return refuse(b, "DATA ", "without MAIL ahead of it");
	if (args.n)
		return refuse(b, "DATA ", "takes no parameter");
	if (b->envelope->count == 0)
		return refuse(b, "DATA ", "without a recipient");
	b->phase = PHASE_CONTENT;
	b->transactions++;
	bsmtp_watch_begin(&b->watch, b->taken);
	b->extra = b->extra || b->content.changed;
	content_begin(&b->content, b->crlf);
	return true;
}

static bool do_greeting(struct bsmtp *b, struct text args)
{
	(void)args;
	b->extra = true;
	return b->phase == PHASE_BETWEEN || refuse(b, "", "a greeting inside a transaction");
}

static bool do_noop(struct bsmtp *b, struct text args)
{
	(void)args;
	b->extra = true;
	return b->phase == PHASE_BETWEEN || refuse(b, "NOOP ", "inside a transaction");
}

static bool do_rset(struct bsmtp *b, struct text args)
{
	b->extra = true;
	if (args.n)
		return refuse(b, "RSET ", "takes no parameter");
	return b->phase == PHASE_BETWEEN || refuse(b, "RSET ", "inside a transaction");
}

static bool do_quit(struct bsmtp *b, struct text args)
{
	b->extra = true;
	if (args.n)
		return refuse(b, "QUIT ", "takes no parameter");
	if (b->phase != PHASE_BETWEEN)
		return refuse(b, "QUIT ", "inside a transaction");
	b->phase = PHASE_QUIT;
	return true;
}

static bool do_unknown(struct bsmtp *b, struct text verb)
{
	bool field = b->phase == PHASE_BETWEEN && verb.n > 1 && verb.p[verb.n - 1] == ':';
	struct buf words;
	bool ok;

	buf_init(&words, 192);
	buf_str(&words, "\"");
	text_clean(verb, 40, &words);
	buf_str(&words, field ? "\" is a header field, not a command: MAIL FROM, RCPT TO and DATA must come first"
		: "\" is not a command known here");
	ok = refuse(b, "", buf_text(&words));
	buf_free(&words);
	return ok;
}

static bool do_command(struct bsmtp *b, struct text line)
{
	static const struct { const char *verb; bool (*run)(struct bsmtp *, struct text); } commands[] = {
		{ "MAIL", do_mail }, { "RCPT", do_rcpt }, { "DATA", do_data }, { "HELO", do_greeting },
		{ "EHLO", do_greeting }, { "LHLO", do_greeting }, { "RSET", do_rset },
		{ "NOOP", do_noop }, { "QUIT", do_quit }
	};
	struct text args = line, verb;

	if (text_has_control(line))
		return refuse(b, "", "there is a control character in the line");
	if (line.n && *line.p == ' ')
		return refuse(b, "", "the line begins with a blank");
	if (!text_word(&args, &verb))
		return refuse(b, "", "the line is empty");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (text_is_nocase(verb, commands[i].verb))
			return commands[i].run(b, text_trim(args));
	return do_unknown(b, verb);
}

/* Takes the line's end off, which must be of the kind that the first line had. */
static bool strip_end(struct bsmtp *b, bool first, struct text *line)
{
	bool cr = line->n && line->p[line->n - 1] == '\r';

	if (first)
		b->crlf = cr;
	if (cr != b->crlf)
		return refuse(b, "", cr ? "the line ends in CR LF, the first one did in LF"
			: "the line ends in LF, the first one did in CR LF");
	line->n -= cr;
	return true;
}

/* A UTF-8 byte order mark at the file's start is dropped; a part of one stays for the first line to be
 * refused for. */
static void skip_bom(struct bsmtp *b, struct text *slice)
{
	while (b->taken < 3 && slice->n && *slice->p == bom[b->taken]) {
		buf_char(&b->line, *slice->p);
		take(b, slice, 1);
		b->extra = true;
	}
	if (b->taken == 3 && text_is(text_make(buf_text(&b->line), b->line.len), bom))
		buf_clear(&b->line);
}

/* One whole command line, its end taken off; false if there is none yet, or the file is bad. */
static bool take_line(struct bsmtp *b, struct text *slice, struct text *line)
{
	const char *lf = memchr(slice->p, '\n', slice->n);
	size_t n = lf ? (size_t)(lf - slice->p) : slice->n;
	bool cr = n ? slice->p[n - 1] == '\r' : b->line.len && b->line.data[b->line.len - 1] == '\r';

	*line = text_make(slice->p, n);
	if (b->line.len + n - cr > b->line_max)
		return refuse(b, "", "the line is longer than 8192 bytes");
	if (!lf || b->line.len) {
		buf_add(&b->line, slice->p, n);
		*line = text_make(b->line.data, b->line.len);
	}
	take(b, slice, n + (lf ? 1 : 0));
	return lf && strip_end(b, b->line_number == 1, line);
}

static enum bsmtp_event next_command(struct bsmtp *b, struct text *slice)
{
	struct text line;

	if (b->taken < 3)
		skip_bom(b, slice);
	while (slice->n && (b->phase == PHASE_BETWEEN || b->phase == PHASE_ENVELOPE)) {
		if (!take_line(b, slice, &line) || !do_command(b, line))
			break;
		b->line_number++;
		buf_clear(&b->line);
	}
	if (b->phase == PHASE_QUIT && slice->n)
		refuse(b, "", "there is something behind QUIT");
	if (b->phase == PHASE_BAD)
		return BSMTP_ERROR;
	return b->phase == PHASE_CONTENT ? BSMTP_BEGIN : BSMTP_MORE;
}

static enum bsmtp_event too_large(struct bsmtp *b)
{
	char words[80];

	snprintf(words, sizeof words, "the message is larger than %llu bytes",
		(unsigned long long)b->size_limit);
	refuse(b, "", words);
	return BSMTP_ERROR;
}

static enum bsmtp_event next_content(struct bsmtp *b, struct text *slice, struct text *piece)
{
	const char *start = slice->p;
	uint64_t lines = b->content.lines;
	bool end = false;

	*piece = text_make("", 0);
	while (slice->n && piece->n == 0 && !end)
		end = content_next(&b->content, slice, piece);
	b->taken += (uint64_t)(slice->p - start);
	b->line_number += b->content.lines - lines;
	bsmtp_watch_see(&b->watch, *piece);
	if (b->size_limit && b->watch.facts.content_size - (end ? strlen(".\r\n") : 0) > b->size_limit)
		return too_large(b);
	if (end)
		b->phase = PHASE_ENDED;
	return piece->n ? BSMTP_CONTENT : BSMTP_MORE;
}

enum bsmtp_event bsmtp_next(struct bsmtp *b, struct text *slice, struct text *piece)
{
	switch (b->phase) {
	case PHASE_BAD:
		return BSMTP_ERROR;
	case PHASE_CONTENT:
		return next_content(b, slice, piece);
	case PHASE_ENDED:
		b->phase = PHASE_BETWEEN;
		return BSMTP_END;
	default:
		return next_command(b, slice);
	}
}

enum bsmtp_event bsmtp_finish(struct bsmtp *b)
{
	if (b->line.len && b->phase != PHASE_BAD && do_command(b, text_make(b->line.data, b->line.len)))
		buf_clear(&b->line);
	if (b->phase == PHASE_BAD)
		return BSMTP_ERROR;
	if (b->taken == 0)
		refuse(b, "", "the file is empty");
	else if (b->phase == PHASE_ENVELOPE || b->phase == PHASE_CONTENT)
		refuse(b, "", "the file ends inside a transaction");
	else if (b->transactions == 0)
		refuse(b, "", "the file holds no message");
	return b->phase == PHASE_BAD ? BSMTP_ERROR : BSMTP_MORE;
}

const char *bsmtp_error(const struct bsmtp *b)
{
	return buf_text(&b->error);
}

struct envelope *bsmtp_take_envelope(struct bsmtp *b)
{
	struct envelope *e = b->envelope;

	b->envelope = NULL;
	return e;
}

const struct bsmtp_facts *bsmtp_facts(const struct bsmtp *b)
{
	return &b->watch.facts;
}

bool bsmtp_is_wire_form(const struct bsmtp *b)
{
	return b->crlf && !b->extra && !b->content.changed && b->transactions == 1;
}
