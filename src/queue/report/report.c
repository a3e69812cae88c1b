#include "queue/report/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/message/original.h"
#include "queue/result/batch.h"

enum {
	WORDS_MAX = 1000,                     /* of the peer, for each recipient … */
	MANY = 1000, FEW_WORDS = 100,         /* … but for more recipients than these, less */
	/* recipient_limit times all that is said of one fits many times */
	REPORT_MAX = 1024 * 1024 * 1024
};

struct sent_reports {
	struct queue *queue;
	struct list all;              /* of struct sent, but those in a message's list */
	size_t unwritten;
};

struct report {
	struct active *active;
	enum dsn_action action;       /* what it mainly tells */
	struct dsn_report dsn;
	struct dsn_rcpt *rcpts;       /* what they point to is owned, but for address and orcpt */
	size_t room;
	char *to;
};

/* A report that the spool has. */
struct sent {
	struct list link;             /* in active->reports, or in all */
	struct sent_reports *all;
	struct batch_call committed;
	enum dsn_action action;
	uint64_t id;
	char about[QUEUE_ID_SIZE];
	struct active *active;        /* what relies on it; NULL: nothing */
	void (*written)(struct active *);
};

struct sent_reports *sent_reports_new(struct queue *q)
{
	struct sent_reports *all = mem_alloc(sizeof *all);

	all->queue = q;
	list_init(&all->all);
	return all;
}

static void sent_free(struct sent *s)
{
	list_remove(&s->link);
	free(s);
}

void sent_reports_free(struct sent_reports *all)
{
	if (!all)
		return;
	LIST_EACH(at, &all->all)
		sent_free(LIST_OF(at, struct sent, link));
	free(all);
}

bool sent_reports_idle(const struct sent_reports *all)
{
	return all->unwritten == 0;
}

bool report_is_one(const struct message *m)
{
	return queue_id_report(m->id) != 0;
}

bool report_is_notice(const struct message *m)
{
	return queue_id_report(m->id) & QUEUE_ID_NOTICE;
}

/* --- making one up --- */

struct report *report_new(struct active *a, enum dsn_action action, const char *to, bool notice)
{
	const struct queue *q = a->queue;
	struct report *r = mem_alloc(sizeof *r);

	r->active = a;
	r->action = action;
	r->to = strchr(to, '@') ? mem_str(to) : mem_fmt("%s@%s", to, q->settings->myorigin);
	r->dsn = (struct dsn_report){
		.myhostname = q->settings->myhostname, .to = r->to, .queue_id = a->name,
		.envid = a->envelope->envid, .notice = notice,
		.obsolete_from = q->settings->header_from_format == FROM_OBSOLETE,
		.arrived = queue_wall(q, a->message->arrived), .now = queue_wall(q, queue_now(q)),
	};
	return r;
}

struct report *report_new_copy(struct active *a, enum dsn_action action, const char *to)
{
	struct report *r = report_new(a, action, to, true);

	r->dsn.copy_of = a->envelope->sender;
	return r;
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->dsn.count; i++) {
		free((char *)r->rcpts[i].status);
		free((char *)r->rcpts[i].remote);
		free((char *)r->rcpts[i].diagnostic);
		free((char *)r->rcpts[i].reason);
	}
	free(r->rcpts);
	free(r->to);
	free(r);
}

static char *cut(const char *words)
{
	return words ? mem_strn(words, strnlen(words, WORDS_MAX)) : NULL;
}

/* The host's name out of "name[address]:port"; NULL for "none". */
static char *host_of(const char *relay)
{
	size_t n = relay ? strcspn(relay, "[") : 0;

	return n == 0 || strcmp(relay, "none") == 0 ? NULL : mem_strn(relay, n);
}

void report_add(struct report *r, uint32_t rcpt, const struct dsn_rcpt *what)
{
	const struct envelope_rcpt *named = &r->active->envelope->rcpts[rcpt];

	if (r->dsn.count == r->room) {
		r->room = r->room ? 2 * r->room : 4;
		r->rcpts = mem_grow(r->rcpts, r->room, sizeof *r->rcpts);
	}
	r->rcpts[r->dsn.count++] = (struct dsn_rcpt){
		.address = named->address, .orcpt = named->orcpt, .action = what->action,
		.status = mem_str(what->status),
		.remote = what->diagnostic ? host_of(what->remote) : NULL, .diagnostic = cut(what->diagnostic),
		.reason = cut(what->reason), .last_attempt = what->last_attempt,
	};
	r->dsn.rcpts = r->rcpts;
}

size_t report_count(const struct report *r)
{
	return r->dsn.count;
}

void report_lifetime(struct report *r, int64_t ms)
{
	r->dsn.lifetime = ms;
}

/* --- its queue file --- */

/* So many recipients make a report that nobody reads to its end. */
static void shorten(struct report *r)
{
	for (size_t i = 0; r->dsn.count > MANY && i < r->dsn.count; i++) {
		char *const words[] = { (char *)r->rcpts[i].diagnostic, (char *)r->rcpts[i].reason };

		for (size_t w = 0; w < 2; w++)
			if (words[w] && strlen(words[w]) > FEW_WORDS)
				words[w][FEW_WORDS] = '\0';
	}
}

/* Only a failure gives a message back (RFC 3461 section 4.3), and only to who may have it; never one with
 * REQUIRETLS (RFC 8689 section 5). */
static bool headers_only(const struct report *r)
{
	const struct active *a = r->active;
	return r->action != DSN_FAILED || r->dsn.copy_of || a->envelope->ret == RET_HDRS ||
		active_size(a->content_size) > (uint64_t)a->queue->settings->bounce_size_limit ||
		a->tls_wanted == TLS_WANTED_REQUIRED;
}

static void put_original(struct report *r, struct buf *original)
{
	const struct active *a = r->active;

	r->dsn.headers_only = headers_only(r);
	if (!original_read(a->fd, a->content_at, a->content_size, r->dsn.headers_only, original)) {
		log_line(LOG_LEVEL_WARNING, "bounce", a->name,
			"the queue file cannot be read; the report goes out without the original");
		r->dsn.headers_only = true;
	}
	r->dsn.original = text_make(buf_text(original), original->len);
}

/* To the sender, from nobody, and no report about it may ever be made. One that holds what may only travel
 * through TLS does so too (RFC 8689 section 5). */
static void print_envelope(const struct report *r, struct buf *out)
{
	struct envelope *e = envelope_new();

	e->smtputf8 = dsn_is_utf8(&r->dsn);
	e->body = dsn_is_8bit(&r->dsn) ? BODY_8BITMIME : BODY_NONE;
	e->requiretls = r->active->tls_wanted == TLS_WANTED_REQUIRED
		&& !r->active->queue->settings->requiretls_redact_dsn;
	envelope_add(e, r->to, NULL, NOTIFY_NEVER);
	envelope_print(e, out);
	envelope_free(e);
}

/* Appends the whole queue file; returns where its content begins. */
static uint64_t print(struct report *r, uint64_t id, struct buf *out)
{
	const char *host = r->active->queue->settings->myhostname;
	char name[QUEUE_ID_SIZE];
	char *from = mem_fmt("MAILER-DAEMON@%s", host);
	char *message_id = mem_fmt("%s@%s", queue_id_print(id, name), host);
	struct buf original;
	uint64_t content_at;
	bool fits;

	buf_init(&original, REPORT_MAX / 2);
	put_original(r, &original);
	r->dsn.from = from;
	r->dsn.message_id = message_id;
	r->dsn.tls_optional = r->active->tls_wanted == TLS_WANTED_OPTIONAL;
	print_envelope(r, out);
	content_at = out->len;
	fits = dsn_print(&r->dsn, out);
	assert(fits);
	(void)fits;
	buf_free(&original);
	free(from);
	free(message_id);
	return content_at;
}

/* --- its way to the disk --- */

static const char *name_of(const struct sent *s)
{
	static const char *const names[] = {
		[DSN_FAILED] = "non-delivery", [DSN_DELAYED] = "delay", [DSN_DELIVERED] = "delivery status",
		[DSN_RELAYED] = "delivery status", [DSN_EXPANDED] = "delivery status",
	};

	return names[s->action];
}

static void committed(void *arg)
{
	struct sent *s = arg;
	char id[QUEUE_ID_SIZE];

	log_line(LOG_LEVEL_INFO, "bounce", s->about, "%s %s notification: %s",
		queue_id_report(s->id) & QUEUE_ID_NOTICE ? "postmaster" : "sender", name_of(s),
		queue_id_print(s->id, id));
	sent_free(s);
}

static void tell(struct sent *s)
{
	s->committed = (struct batch_call){ .fn = committed, .arg = s };
	batch_add_told(s->all->queue->batches, &s->committed);
}

void report_tell_all(struct active *a)
{
	LIST_EACH(at, &a->reports) {
		struct sent *s = LIST_OF(at, struct sent, link);

		list_remove(at);
		list_append(&s->all->all, at);
		tell(s);
	}
}

void report_forget_all(struct active *a)
{
	LIST_EACH(at, &a->reports)
		sent_free(LIST_OF(at, struct sent, link));
}

static void written(void *arg)
{
	struct sent *s = arg;

	s->all->unwritten--;
	if (s->active)
		s->written(s->active);
	else
		tell(s);
}

/* A message of many recipients may have many reports of success: half of the numbers are for what nobody may
 * miss. */
static unsigned numbers_for(enum dsn_action action)
{
	return action == DSN_DELIVERED ? MESSAGE_REPORTS_MAX / 2 : MESSAGE_REPORTS_MAX;
}

/* A notice about a report has that one's number, any other the next one. 0: there is none left. */
static uint64_t new_id(const struct report *r)
{
	struct message *m = r->active->message;
	unsigned number = queue_id_report(m->id);

	if (!number && m->reports < numbers_for(r->action))
		number = ++m->reports;
	if (!number)
		return 0;
	return queue_id_make(queue_id_microseconds(m->id), number | (r->dsn.notice ? QUEUE_ID_NOTICE : 0));
}

static void hand_over(struct report *r, uint64_t id, void (*relying)(struct active *))
{
	struct queue *q = r->active->queue;
	struct sent *s = mem_alloc(sizeof *s);
	struct buf bytes;
	uint64_t content_at;

	s->all = q->reports;
	s->action = r->action;
	s->id = id;
	memcpy(s->about, r->active->name, sizeof s->about);
	s->active = relying ? r->active : NULL;
	s->written = relying;
	list_append(relying ? &r->active->reports : &s->all->all, &s->link);
	s->all->unwritten++;
	buf_init(&bytes, REPORT_MAX);
	content_at = print(r, id, &bytes);
	spool_report(q->spool, id, bytes.data, bytes.len, content_at, written, s);
	buf_free(&bytes);
}

bool report_send(struct report *r, void (*relying)(struct active *))
{
	uint64_t id = new_id(r);

	if (id) {
		shorten(r);
		hand_over(r, id, relying);
	} else {
		log_line(LOG_LEVEL_ERROR, "bounce", r->active->name,
			"%zu recipients cannot be reported on: all %u numbers of reports of that kind are used up",
			r->dsn.count, numbers_for(r->action));
	}
	report_free(r);
	return id != 0;
}

bool report_is_news(const struct report *r, enum notice_class class)
{
	const struct dsn_rcpt *first = &r->rcpts[0];
	const char *host = first->remote ? first->remote : "this host";
	char *subject = mem_fmt("%s: %s from %s", class == NOTICE_2BOUNCE ? "Undeliverable report" :
		"Copy for the postmaster", first->status, host);
	char *key = mem_fmt("%d %s %s", class, first->status, host);
	bool news = notices_first(r->active->queue->notices, class, key, subject);

	free(subject);
	free(key);
	return news;
}

void report_send_copy(struct report *r, enum notice_class class)
{
	if (report_count(r) && report_is_news(r, class))
		report_send(r, NULL);
	else
		report_free(r);
}
