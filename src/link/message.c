#include "link/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/packet.h"

enum {
	HEAD = 1 + sizeof(uint32_t),      /* kind and length */
	TEXT_MAX = 12 * 1024,             /* a reply's text and what is said around it */
	TRANSCRIPT_MAX = 20 * 1024,
	NAME_MAX_BYTES = 1024,
	RCPTS_MAX = 1000 * 1000
};

struct request *request_new(void)
{
	return mem_alloc(sizeof(struct request));
}

void request_free(struct request *r)
{
	if (!r)
		return;
	free(r->queue_id);
	free(r->transport);
	free(r->nexthop);
	free(r->flags);
	free(r->trace);
	envelope_free(r->envelope);
	xforward_release(&r->client);
	free(r);
}

size_t message_begin(struct buf *b, enum message_kind kind)
{
	size_t begin = b->len;

	pack_u8(b, kind);
	pack_u32(b, 0);
	return begin;
}

bool message_end(struct buf *b, size_t begin)
{
	uint32_t length = (uint32_t)(b->len - begin - HEAD);

	if (b->over) {
		b->len = begin;
		b->over = false;
		return false;
	}
	memcpy(b->data + begin + 1, &length, sizeof length);
	return true;
}

enum message_kind message_next(struct unpack *packet, struct unpack *fields)
{
	enum message_kind kind = (enum message_kind)unpack_u8(packet, MESSAGE_KINDS - 1);
	struct text view = unpack_bytes(packet, PACKET_MAX);

	*fields = unpack_of(view.p, view.n);
	return kind;
}

static void put_client(struct buf *b, const struct xforward *c)
{
	pack_cut(b, c->name, NAME_MAX_BYTES);
	pack_cut(b, c->addr, NAME_MAX_BYTES);
	pack_cut(b, c->port, NAME_MAX_BYTES);
	pack_cut(b, c->proto, NAME_MAX_BYTES);
	pack_cut(b, c->helo, NAME_MAX_BYTES);
	pack_cut(b, c->ident, NAME_MAX_BYTES);
	pack_cut(b, c->source, NAME_MAX_BYTES);
}

static void get_client(struct unpack *u, struct xforward *c)
{
	c->name = unpack_copy(u, NAME_MAX_BYTES);
	c->addr = unpack_copy(u, NAME_MAX_BYTES);
	c->port = unpack_copy(u, NAME_MAX_BYTES);
	c->proto = unpack_copy(u, NAME_MAX_BYTES);
	c->helo = unpack_copy(u, NAME_MAX_BYTES);
	c->ident = unpack_copy(u, NAME_MAX_BYTES);
	c->source = unpack_copy(u, NAME_MAX_BYTES);
}

static void put_envelope(struct buf *b, const struct envelope *e)
{
	pack_text(b, e->sender);
	pack_u8(b, e->body);
	pack_u8(b, e->ret);
	pack_u8(b, e->smtputf8);
	pack_u8(b, e->requiretls);
	pack_u64(b, e->size);
	pack_text(b, e->envid);
	pack_text(b, e->auth);
	pack_u32(b, (uint32_t)e->count);
}

static char *copy_needed(struct unpack *u, size_t max)
{
	char *s = unpack_copy(u, max);

	if (!s)
		unpack_fail(u, "a string is missing");
	return s;
}

static void get_envelope(struct unpack *u, struct envelope *e, uint32_t *rcpts)
{
	free(e->sender);
	e->sender = copy_needed(u, LINK_FIELD_MAX);
	e->body = (enum envelope_body)unpack_u8(u, BODY_BINARYMIME);
	e->ret = (enum envelope_ret)unpack_u8(u, RET_HDRS);
	e->smtputf8 = unpack_flag(u);
	e->requiretls = unpack_flag(u);
	e->size = unpack_u64(u, INT64_MAX);
	e->envid = unpack_copy(u, LINK_FIELD_MAX);
	e->auth = unpack_copy(u, LINK_FIELD_MAX);
	*rcpts = unpack_u32(u, RCPTS_MAX);
	if (*rcpts == 0)
		unpack_fail(u, "a request has no recipient");
}

void message_put_request(struct buf *b, const struct request *r, uint32_t slot)
{
	pack_u32(b, slot);
	pack_u32(b, r->destination);
	pack_text(b, r->queue_id);
	pack_text(b, r->transport);
	pack_text(b, r->nexthop);
	pack_text(b, r->flags);
	pack_bytes(b, r->trace, r->trace_size);
	pack_u64(b, r->content_at);
	pack_u64(b, r->content_size);
	pack_u8(b, r->eight_bit);
	pack_u8(b, r->utf8_header);
	pack_u8(b, r->long_lines);
	pack_u8(b, r->tls_wanted);
	pack_u8(b, r->probe);
	pack_u8(b, r->connection_probe);
	pack_u8(b, r->ahead);
	pack_u8(b, r->soft_bounce);
	pack_u32(b, r->attempt);
	pack_u64(b, (uint64_t)r->age);
	put_client(b, &r->client);
	put_envelope(b, r->envelope);
}

static void get_content(struct unpack *u, struct request *r)
{
	struct text trace = unpack_bytes(u, LINK_FIELD_MAX);

	r->trace = mem_strn(trace.p, trace.n);
	r->trace_size = trace.n;
	r->content_at = unpack_u64(u, INT64_MAX);
	r->content_size = unpack_u64(u, INT64_MAX - r->content_at);
}

struct request *message_get_request(struct unpack *u, uint32_t *rcpts)
{
	struct request *r = request_new();

	r->number = unpack_u32(u, LINK_SLOTS - 1);
	r->destination = unpack_u32(u, UINT32_MAX);
	r->queue_id = copy_needed(u, NAME_MAX_BYTES);
	r->transport = copy_needed(u, NAME_MAX_BYTES);
	r->nexthop = copy_needed(u, LINK_FIELD_MAX);
	r->flags = unpack_copy(u, NAME_MAX_BYTES);
	get_content(u, r);
	r->eight_bit = unpack_flag(u);
	r->utf8_header = unpack_flag(u);
	r->long_lines = unpack_flag(u);
	r->tls_wanted = (enum tls_wanted)unpack_u8(u, TLS_WANTED_OPTIONAL);
	r->probe = unpack_flag(u);
	r->connection_probe = unpack_flag(u);
	r->ahead = unpack_flag(u);
	r->soft_bounce = unpack_flag(u);
	r->attempt = unpack_u32(u, UINT32_MAX);
	r->age = (int64_t)unpack_u64(u, INT64_MAX);
	get_client(u, &r->client);
	r->envelope = envelope_new();
	get_envelope(u, r->envelope, rcpts);
	if (unpack_end(u))
		return r;
	request_free(r);
	return NULL;
}

void message_put_rcpt(struct buf *b, const struct envelope_rcpt *r)
{
	pack_text(b, r->address);
	pack_text(b, r->orcpt);
	pack_text(b, r->original);
	pack_u8(b, r->notify);
}

bool message_get_rcpt(struct unpack *u, struct envelope *e)
{
	const char *address = unpack_text(u, LINK_FIELD_MAX);
	const char *orcpt = unpack_text(u, LINK_FIELD_MAX);
	const char *original = unpack_text(u, LINK_FIELD_MAX);
	unsigned notify = unpack_u8(u, NOTIFY_NEVER | NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY);

	if (!address)
		unpack_fail(u, "a recipient has no address");
	if (!unpack_end(u))
		return false;
	envelope_add(e, address, orcpt, notify)->original = mem_str(original);
	return true;
}

static void put_verdict(struct buf *b, const struct verdict *v)
{
	pack_u8(b, v->outcome);
	pack_u8(b, v->stage);
	pack_u32(b, (uint32_t)v->code);
	pack_text(b, v->dsn);
	pack_cut(b, v->text, TEXT_MAX);
	pack_cut(b, v->reply, TEXT_MAX);
	pack_u8(b, v->maybe_twice);
}

void message_put_answer(struct buf *b, const struct answer *a)
{
	pack_u32(b, a->request);
	pack_u32(b, a->rcpt);
	put_verdict(b, &a->verdict);
	pack_cut(b, a->relay, NAME_MAX_BYTES);
	pack_cut(b, a->tls, NAME_MAX_BYTES);
	pack_u32(b, a->conn_use);
	pack_u64(b, (uint64_t)a->setup);
	pack_u64(b, (uint64_t)a->transmission);
	pack_u8(b, a->peer_reports);
	pack_cut(b, a->transcript, TRANSCRIPT_MAX);
}

/* The class that the enhanced code of a final outcome must have (RFC 3463 section 3.1). */
static char class_of(enum outcome o)
{
	switch (o) {
	case OUTCOME_SENT:
		return '2';
	case OUTCOME_DEFERRED:
		return '4';
	case OUTCOME_BOUNCED:
		return '5';
	default:
		return '\0';
	}
}

static bool dsn_fits(const char *dsn, enum outcome o)
{
	struct text detail = text_of(dsn), class, subject;
	char wanted = class_of(o);
	uint64_t n;

	if (wanted == '\0')
		return o == OUTCOME_AGAIN || o == OUTCOME_ALONE || o == OUTCOME_OURS;
	return text_until(&detail, '.', &class) && class.n == 1 && *class.p == wanted
		&& text_until(&detail, '.', &subject)
		&& text_number(&subject, 999, &n) && subject.n == 0
		&& text_number(&detail, 999, &n) && detail.n == 0;
}

static void get_verdict(struct unpack *u, struct verdict *v)
{
	const char *dsn;

	v->outcome = (enum outcome)unpack_u8(u, OUTCOME_OURS);
	v->stage = (enum stage)unpack_u8(u, STAGE_COUNT - 1);
	v->code = (int)unpack_u32(u, 999);
	dsn = unpack_line(u, sizeof v->dsn - 1);
	v->text = (char *)unpack_line(u, TEXT_MAX);
	v->reply = (char *)unpack_line(u, TEXT_MAX);
	v->maybe_twice = unpack_flag(u);
	if (!dsn || !dsn_fits(dsn, v->outcome))
		unpack_fail(u, "an answer's outcome and its enhanced code do not fit");
	else
		memcpy(v->dsn, dsn, strlen(dsn) + 1);
	if (!v->text)
		unpack_fail(u, "an answer has no text");
}

bool message_get_answer(struct unpack *u, struct answer *a)
{
	*a = (struct answer){ .request = unpack_u32(u, LINK_SLOTS - 1) };
	a->rcpt = unpack_u32(u, RCPTS_MAX - 1);
	get_verdict(u, &a->verdict);
	a->relay = (char *)unpack_line(u, NAME_MAX_BYTES);
	a->tls = (char *)unpack_line(u, NAME_MAX_BYTES);
	a->conn_use = unpack_u32(u, UINT32_MAX);
	a->setup = (int64_t)unpack_u64(u, INT64_MAX);
	a->transmission = (int64_t)unpack_u64(u, INT64_MAX);
	a->peer_reports = unpack_flag(u);
	a->transcript = (char *)unpack_text(u, TRANSCRIPT_MAX);
	if (!a->relay)
		unpack_fail(u, "an answer has no relay");
	return unpack_end(u);
}

void message_put_finish(struct buf *b, const struct finish *f)
{
	pack_u32(b, f->request);
	pack_u32(b, f->destination);
	pack_u8(b, f->untried);
	pack_u8(b, f->took_idle);
	pack_u8(b, f->connection);
	pack_u32(b, f->next);
	pack_u8(b, f->site);
	pack_cut(b, f->reason, TEXT_MAX);
	pack_text(b, f->dsn);
	pack_u8(b, f->served);
	pack_cut(b, f->tls, NAME_MAX_BYTES);
}

bool message_get_finish(struct unpack *u, struct finish *f)
{
	const char *dsn;

	*f = (struct finish){ .request = unpack_u32(u, LINK_SLOTS - 1) };
	f->destination = unpack_u32(u, UINT32_MAX);
	f->untried = unpack_flag(u);
	f->took_idle = unpack_flag(u);
	f->connection = (enum connection)unpack_u8(u, CONNECTION_PASSED);
	f->next = unpack_u32(u, LINK_SLOTS - 1);
	f->site = (enum site)unpack_u8(u, SITE_DEAD);
	f->reason = (char *)unpack_line(u, TEXT_MAX);
	dsn = unpack_line(u, sizeof f->dsn - 1);
	f->served = unpack_flag(u);
	f->tls = (char *)unpack_line(u, NAME_MAX_BYTES);
	if (f->site != SITE_FINE && !f->reason)
		unpack_fail(u, "a destination is called busy or dead without a reason");
	if (dsn && *dsn && !dsn_fits(dsn, OUTCOME_DEFERRED))
		unpack_fail(u, "nobody waits with such a status");
	else if (dsn)
		memcpy(f->dsn, dsn, strlen(dsn) + 1);
	return unpack_end(u);
}
