#include "queue/report.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/dsn.h"
#include "queue/core.h"

enum {
	HEADER_MAX = 64 * 1024,
	BODY_MAX = 50 * 1024,
	WORDS_MAX = 1000,                     /* of the peer, for each recipient … */
	MANY = 1000, FEW_WORDS = 100,         /* … but for more recipients than these, less */
	/* recipient_limit times all that is said of one fits many times */
	REPORT_MAX = 1024 * 1024 * 1024
};

/* What dsn_print points to. */
struct rcpt_texts {
	char *remote, *diagnostic, *reason;
};

bool report_wanted(unsigned notify)
{
	return notify == 0 || (notify & NOTIFY_FAILURE);
}

static bool is_refused(const struct active *a, uint32_t rcpt)
{
	const struct note *n = a->rcpts[rcpt].note;

	if (a->rcpts[rcpt].returned)
		return false;
	return n && (n->outcome == OUTCOME_BOUNCED || (n->outcome == OUTCOME_DEFERRED && a->expired));
}

/* Fully read, or false. */
static bool read_at(int fd, char *to, size_t n, uint64_t at)
{
	while (n) {
		ssize_t got = pread(fd, to, n, (off_t)at);

		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		if (got < 0)
			continue;
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

/* Length of the header with the line end before the empty line; all of t if there is no empty line. */
static size_t header_length(struct text t)
{
	const char *end;

	if (t.n >= 2 && memcmp(t.p, "\r\n", 2) == 0)
		return 0;
	end = memmem(t.p, t.n, "\r\n\r\n", 4);
	return end ? (size_t)(end - t.p) + 2 : t.n;
}

/* How many of the n bytes are whole lines. */
static size_t whole_lines(const char *p, size_t n)
{
	const char *lf = memrchr(p, '\n', n);

	return lf ? (size_t)(lf + 1 - p) : 0;
}

static size_t wanted(size_t header, bool headers_only)
{
	if (headers_only)
		return header < HEADER_MAX ? header : HEADER_MAX;
	return header + 2 + BODY_MAX;
}

bool report_original(int fd, uint64_t content_at, uint64_t content_size, bool headers_only, struct buf *out)
{
	uint64_t size = active_size(content_size);
	size_t n = size < HEADER_MAX + BODY_MAX ? (size_t)size : HEADER_MAX + BODY_MAX;
	char *bytes = mem_alloc(n + 1);
	bool fine = read_at(fd, bytes, n, content_at);

	if (fine) {
		size_t keep = wanted(header_length(text_make(bytes, n)), headers_only);

		if (keep >= size)
			keep = n;
		else
			keep = whole_lines(bytes, keep < n ? keep : n);
		fine = buf_add(out, bytes, keep);
	}
	free(bytes);
	return fine;
}

/* The host's name out of "name[address]:port"; NULL for "none". */
static char *host_of(const char *relay)
{
	size_t n = strcspn(relay, "[");

	return strcmp(relay, "none") == 0 || n == 0 ? NULL : mem_strn(relay, n);
}

static char *reason_of(const struct active *a, const struct note *n, size_t words)
{
	if (!a->expired || n->outcome != OUTCOME_DEFERRED)
		return mem_strn(n->text, strnlen(n->text, words));
	return mem_fmt("delivery could not be completed in the time that is allowed; the last try said: %.*s",
	               (int)words, n->text);
}

static void fill_rcpt(const struct queue *q, const struct active *a, uint32_t i, size_t words,
                      struct dsn_rcpt *out,
                      struct rcpt_texts *texts)
{
	const struct envelope_rcpt *r = &a->envelope->rcpts[i];
	const struct note *n = a->rcpts[i].note;

	texts->remote = n->reply ? host_of(n->relay) : NULL;
	texts->diagnostic = n->reply ? mem_strn(n->reply, strnlen(n->reply, words)) : NULL;
	texts->reason = reason_of(a, n, words);
	*out = (struct dsn_rcpt){
		.address = r->address, .orcpt = r->orcpt, .action = DSN_FAILED,
		.status = n->outcome == OUTCOME_DEFERRED ? "4.4.7" : n->dsn,
		.remote = texts->remote, .diagnostic = texts->diagnostic, .reason = texts->reason,
		.last_attempt = queue_wall(q, n->when),
	};
}

static bool is_notice(uint64_t id)
{
	return queue_id_report(id) & QUEUE_ID_NOTICE;
}

static bool has_class(const struct settings *s, const char *name)
{
	struct text rest = text_of(s->notify_classes), word;

	while (text_list_next(&rest, &word))
		if (text_is_nocase(word, name))
			return true;
	return false;
}

/* Our own reports ask for no report to anybody, but the postmaster shall know: or neither the recipient nor
 * the sender would. Of bounces from elsewhere only if that is wanted. */
static bool is_told(const struct active *a, uint32_t rcpt)
{
	if (queue_id_report(a->message->id))
		return true;
	if (!*a->envelope->sender && !has_class(a->queue->settings, "2bounce"))
		return false;
	return report_wanted(a->envelope->rcpts[rcpt].notify);
}

/* Whom the report names; returns how many. */
static size_t choose(const struct active *a, uint32_t *out, size_t *silent)
{
	size_t count = 0;

	*silent = 0;
	for (uint32_t i = 0; i < a->envelope->count; i++) {
		if (!is_refused(a, i))
			continue;
		if (is_told(a, i))
			out[count++] = i;
		else
			++*silent;
	}
	return count;
}

/* The head of the report's queue file: to the sender, from nobody, and no report about it may ever be made.
 * */
static void print_envelope(const struct dsn_report *r, struct buf *out)
{
	struct envelope *e = envelope_new();

	e->smtputf8 = dsn_is_utf8(r);
	e->body = dsn_is_8bit(r) ? BODY_8BITMIME : BODY_NONE;
	envelope_add(e, r->to, NULL, NOTIFY_NEVER);
	envelope_print(e, out);
	envelope_free(e);
}

static void put_original(const struct active *a, struct dsn_report *r, struct buf *original)
{
	r->headers_only = a->envelope->ret == RET_HDRS;
	if (!report_original(a->fd, a->content_at, a->content_size, r->headers_only, original)) {
		log_line(LOG_LEVEL_WARNING, "qmgr", a->name,
		         "the queue file cannot be read; the report goes out without the original");
		r->headers_only = true;
	}
	r->original = text_make(buf_text(original), original->len);
}

/* Appends the whole queue file; returns where its content begins. */
static uint64_t print_report(const struct queue *q, const struct active *a, struct dsn_report *r, uint64_t id,
                             struct buf *out)
{
	char name[QUEUE_ID_SIZE];
	char *from = mem_fmt("MAILER-DAEMON@%s", q->settings->myhostname);
	char *message_id = mem_fmt("%s@%s", queue_id_print(id, name), q->settings->myhostname);
	struct buf original;
	uint64_t content_at;
	bool fits;

	buf_init(&original, HEADER_MAX + BODY_MAX);
	put_original(a, r, &original);
	r->from = from;
	r->message_id = message_id;
	print_envelope(r, out);
	content_at = out->len;
	fits = dsn_print(r, out);
	assert(fits);
	(void)fits;
	buf_free(&original);
	free(from);
	free(message_id);
	return content_at;
}

static void put_report(struct queue *q, struct active *a, uint64_t id, const char *to, const uint32_t *chosen,
                       size_t count, void (*written)(void *active))
{
	struct dsn_rcpt *rcpts = mem_alloc(count * sizeof *rcpts);
	struct rcpt_texts *texts = mem_alloc(count * sizeof *texts);
	struct dsn_report r = {
		.myhostname = q->settings->myhostname, .to = to, .queue_id = a->name,
		.envid = a->envelope->envid, .notice = is_notice(id),
		.arrived = queue_wall(q, a->message->arrived), .now = queue_wall(q, queue_now(q)),
		.rcpts = rcpts, .count = count,
	};
	struct buf bytes;
	uint64_t content_at;

	for (size_t i = 0; i < count; i++)
		fill_rcpt(q, a, chosen[i], count > MANY ? FEW_WORDS : WORDS_MAX, &rcpts[i], &texts[i]);
	buf_init(&bytes, REPORT_MAX);
	content_at = print_report(q, a, &r, id, &bytes);
	spool_report(q->spool, id, bytes.data, bytes.len, content_at, written, a);
	for (size_t i = 0; i < count; i++) {
		free(texts[i].remote);
		free(texts[i].diagnostic);
		free(texts[i].reason);
	}
	buf_free(&bytes);
	free(rcpts);
	free(texts);
}

/* To the sender, or where there is none, to the postmaster; free() it. "" if nobody is to be told. */
static char *addressee(const struct queue *q, const struct active *a)
{
	const struct settings *s = q->settings;
	const char *to = *a->envelope->sender ? a->envelope->sender : s->double_bounce_recipient;

	return !*to || strchr(to, '@') ? mem_str(to) : mem_fmt("%s@%s", to, s->myorigin);
}

/* A notice about a report has that one's number, any other the next one. */
static uint64_t new_id(struct message *m, bool notice)
{
	unsigned number = queue_id_report(m->id);

	if (!number)
		number = ++m->reports;
	return queue_id_make(queue_id_microseconds(m->id), number | (notice ? QUEUE_ID_NOTICE : 0));
}

static bool may_report(const struct active *a, size_t count, const char *to)
{
	const struct message *m = a->message;

	if (is_notice(m->id))
		log_line(LOG_LEVEL_WARNING, "bounce", a->name,
		         "the notice to the postmaster cannot be delivered: it is given up");
	else if (!*to)
		log_line(LOG_LEVEL_INFO, "bounce", a->name,
		         "no report: the sender is null, and 2bounce_notice_recipient is empty");
	else if (m->reports >= MESSAGE_REPORTS_MAX)
		log_line(LOG_LEVEL_ERROR, "bounce", a->name, "%zu recipients cannot be reported on: all %d report "
		         "numbers are used up", count, MESSAGE_REPORTS_MAX);
	else
		return true;
	return false;
}

uint64_t report_make(struct queue *q, struct active *a, void (*written)(void *active))
{
	uint32_t *chosen = mem_alloc(a->envelope->count * sizeof *chosen);
	size_t silent, count = choose(a, chosen, &silent);
	char *to = addressee(q, a);
	uint64_t id = 0;

	if (count && may_report(a, count, to)) {
		id = new_id(a->message, !*a->envelope->sender);
		put_report(q, a, id, to, chosen, count, written);
	}
	free(chosen);
	free(to);
	return id;
}
