/*
 * That no member of what travels over a link is forgotten. Each struct is filled with ones, but for what can
 * only hold certain values: these the test sets. A byte that nobody set must make a difference to the packet,
 * so a member that is not packed is found though no test knows its name; and what was unpacked packs to the
 * same.
 */
#include "unit.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "link/message.h"

enum { SIZE_MAX_TESTED = 1024, PACKET = 64 * 1024 };

static char text[] = "x";

/* --- what can only hold certain values --- */

static void set_client(struct xforward *c)
{
	*c = (struct xforward){ text, text, text, text, text, text, text };
}

static void set_request(void *p)
{
	static struct envelope_rcpt rcpt = { .address = text };
	static struct envelope envelope = { .sender = text, .rcpts = &rcpt, .count = 1 };
	struct request *r = p;

	r->number = 0;              /* goes as the slot */
	r->queue_id = r->transport = r->nexthop = r->flags = r->trace = text;
	r->trace_size = strlen(text);
	r->tls_wanted = TLS_WANTED_REQUIRED;
	r->envelope = &envelope;
	set_client(&r->client);
}

/* Of the envelope's own; its recipients follow in messages of their own. */
static void set_envelope(void *p)
{
	struct envelope *e = p;

	e->sender = e->envid = e->auth = text;
	e->body = BODY_7BIT;
	e->ret = RET_FULL;
	e->rcpts = NULL;
	e->count = 1;
	memset(e->complaint, 0, sizeof e->complaint);
}

static void set_rcpt(void *p)
{
	struct envelope_rcpt *r = p;

	r->address = r->orcpt = r->original = text;
	r->notify = 1;
}

static void set_answer(void *p)
{
	struct answer *a = p;

	a->request = 1;
	a->rcpt = 1;
	a->verdict.outcome = OUTCOME_SENT;
	a->verdict.stage = STAGE_CONNECT;
	a->verdict.code = 1;
	memset(a->verdict.dsn, 0, sizeof a->verdict.dsn);
	strcpy(a->verdict.dsn, "2.0.0");
	a->verdict.text = a->verdict.reply = text;
	a->relay = a->tls = a->transcript = text;
}

static void set_finish(void *p)
{
	struct finish *f = p;

	f->request = f->next = 1;
	f->connection = CONNECTION_PASSED;
	f->site = SITE_BUSY;
	f->reason = f->tls = text;
	memset(f->dsn, 0, sizeof f->dsn);
	strcpy(f->dsn, "4.2.0");
}

/* --- packing, and packing what was unpacked --- */

static struct request *wrap(const struct envelope *e)
{
	static struct request r;

	memset(&r, 0, sizeof r);
	set_request(&r);
	r.envelope = (struct envelope *)e;
	return &r;
}

static void put_request(const void *p, struct buf *out)
{
	message_put_request(out, p, 0);
}

static void put_envelope(const void *p, struct buf *out)
{
	message_put_request(out, wrap(p), 0);
}

static void put_rcpt(const void *p, struct buf *out)
{
	message_put_rcpt(out, p);
}

static void put_answer(const void *p, struct buf *out)
{
	message_put_answer(out, p);
}

static void put_finish(const void *p, struct buf *out)
{
	message_put_finish(out, p);
}

static void again_request(struct unpack *u, struct buf *out)
{
	uint32_t count = 0;
	struct request *r = message_get_request(u, &count);

	ck_assert_msg(r != NULL, "%s", u->wrong ? u->wrong : "");
	r->envelope->count = count;
	message_put_request(out, r, 0);
	r->envelope->count = 0;
	request_free(r);
}

static void again_rcpt(struct unpack *u, struct buf *out)
{
	struct envelope *e = envelope_new();

	ck_assert(message_get_rcpt(u, e));
	message_put_rcpt(out, &e->rcpts[0]);
	envelope_free(e);
}

static void again_answer(struct unpack *u, struct buf *out)
{
	struct answer a;

	ck_assert_msg(message_get_answer(u, &a), "%s", u->wrong ? u->wrong : "");
	message_put_answer(out, &a);
}

static void again_finish(struct unpack *u, struct buf *out)
{
	struct finish f;

	ck_assert_msg(message_get_finish(u, &f), "%s", u->wrong ? u->wrong : "");
	message_put_finish(out, &f);
}

/* Bytes between members, which are no member's. */
static void clear_padding(void *p, const char *name)
{
	if (strcmp(name, "request") == 0)
		__builtin_clear_padding((struct request *)p);
	else if (strcmp(name, "envelope") == 0)
		__builtin_clear_padding((struct envelope *)p);
	else if (strcmp(name, "rcpt") == 0)
		__builtin_clear_padding((struct envelope_rcpt *)p);
	else if (strcmp(name, "answer") == 0)
		__builtin_clear_padding((struct answer *)p);
	else
		__builtin_clear_padding((struct finish *)p);
}

static const struct {
	const char *name;
	size_t size;
	void (*set)(void *);
	void (*put)(const void *, struct buf *);
	void (*again)(struct unpack *, struct buf *);
} rows[] = {
	{ "request", sizeof(struct request), set_request, put_request, again_request },
	{ "envelope", sizeof(struct envelope), set_envelope, put_envelope, again_request },
	{ "rcpt", sizeof(struct envelope_rcpt), set_rcpt, put_rcpt, again_rcpt },
	{ "answer", sizeof(struct answer), set_answer, put_answer, again_answer },
	{ "finish", sizeof(struct finish), set_finish, put_finish, again_finish },
};

union any {
	char bytes[SIZE_MAX_TESTED];
	max_align_t aligned;
};

static void fill(union any *a, int row, int with)
{
	ck_assert_uint_le(rows[row].size, sizeof a->bytes);
	memset(a->bytes, with, sizeof a->bytes);
	clear_padding(a->bytes, rows[row].name);
	rows[row].set(a->bytes);
}

static void pack(int row, const union any *a, struct buf *out)
{
	buf_clear(out);
	rows[row].put(a->bytes, out);
	ck_assert(!out->over);
}

START_TEST(test_every_byte_counts)
{
	struct buf whole, less;
	union any ones, twos;

	buf_init(&whole, PACKET);
	buf_init(&less, PACKET);
	fill(&ones, _i, 1);
	fill(&twos, _i, 2);
	pack(_i, &ones, &whole);
	for (size_t at = 0; at < rows[_i].size; at++) {
		if (ones.bytes[at] != 1 || twos.bytes[at] != 2)
			continue;   /* set, or padding */
		ones.bytes[at] = 0;
		pack(_i, &ones, &less);
		ck_assert_msg(whole.len != less.len || memcmp(whole.data, less.data, whole.len) != 0,
			"the byte at %zu of struct %s is not packed", at, rows[_i].name);
		ones.bytes[at] = 1;
	}
	buf_free(&whole);
	buf_free(&less);
}
END_TEST

START_TEST(test_R_1_round_trip)
{
	struct buf first, second;
	struct unpack u;
	union any ones;

	buf_init(&first, PACKET);
	buf_init(&second, PACKET);
	fill(&ones, _i, 1);
	pack(_i, &ones, &first);
	u = unpack_of(first.data, first.len);
	rows[_i].again(&u, &second);
	ck_assert_uint_eq(first.len, second.len);
	ck_assert_mem_eq(first.data, second.data, first.len);
	buf_free(&first);
	buf_free(&second);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "every byte counts", test_every_byte_counts, UNIT_ROWS(rows), 0 },
		{ "round trip", test_R_1_round_trip, UNIT_ROWS(rows), 0 },
	};

	return unit_main("link/message", cases, UNIT_ROWS(cases));
}
