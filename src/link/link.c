#include "link/link.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "link/channel.h"
#include "link/courier_end.h"
#include "link/message.h"
#include "link/queue_end.h"

#define PACKETS_A_TURN 16
#define REST_MS 4

struct link {
	struct loop *loop;
	struct channel *channel;
	const struct link_events *events;
	void *arg;
	struct loop_task flush_task;
	bool flush_is_due;
	bool may_rest;
	struct loop_timer *rest;
	struct buf scratch;               /* the message being written */
	struct buf out;                   /* small messages of this turn */
	struct queue_end *queue_end;      /* one of the two */
	struct courier_end *courier_end;
};

void link_flush(struct link *l)
{
	if (l->out.len == 0)
		return;
	/* what a courier has logged of its requests stands ahead of the queue's lines with their results */
	if (l->courier_end)
		log_flush();
	channel_send(l->channel, &l->out, -1);
	buf_clear(&l->out);
}

/* Waits one round of tasks, so that what other tasks of this turn have to say shares the packet. */
static void flush_task(void *arg)
{
	struct link *l = arg;

	l->flush_is_due = !l->flush_is_due;
	if (l->flush_is_due)
		loop_later(l->loop, &l->flush_task);
	else if (!l->may_rest)
		link_flush(l);
	else if (!loop_timer_is_set(l->rest))
		loop_timer_set(l->rest, REST_MS);
}

static void rest_over(void *arg)
{
	link_flush(arg);
}

void link_set_rest(struct link *l, bool may)
{
	l->may_rest = may;
}

/* Adds the message in scratch to the packet that the end of this turn sends. */
static void post(struct link *l, size_t begin)
{
	bool fits = message_end(&l->scratch, begin);

	assert(fits);
	if (l->out.len + l->scratch.len > PACKET_MAX)
		link_flush(l);
	buf_add(&l->out, l->scratch.data, l->scratch.len);
	buf_clear(&l->scratch);
	loop_later(l->loop, &l->flush_task);
}

static void send_scratch(struct link *l, int fd)
{
	channel_send(l->channel, &l->scratch, fd);
	buf_clear(&l->scratch);
}

static void send_hello(struct link *l, int marks_fd)
{
	size_t begin = message_begin(&l->scratch, MESSAGE_HELLO);

	pack_u32(&l->scratch, MESSAGE_VERSION);
	message_end(&l->scratch, begin);
	send_scratch(l, marks_fd);
}

void link_send_request(struct link *l, const struct request *r, int fd)
{
	uint32_t slot = queue_end_take(l->queue_end, r);
	size_t begin = message_begin(&l->scratch, MESSAGE_REQUEST);
	bool first = true, fits;

	message_put_request(&l->scratch, r, slot);
	fits = message_end(&l->scratch, begin);
	assert(fits);
	link_flush(l);
	for (size_t i = 0; i < r->envelope->count; i++) {
		begin = message_begin(&l->scratch, MESSAGE_RCPT);
		message_put_rcpt(&l->scratch, &r->envelope->rcpts[i]);
		if (message_end(&l->scratch, begin))
			continue;
		send_scratch(l, first ? fd : -1);
		first = false;
		i--;
	}
	send_scratch(l, first ? fd : -1);
}

bool link_is_quiet(const struct link *l)
{
	return l->out.len == 0 && channel_is_quiet(l->channel);
}

bool link_is_behind(const struct link *l)
{
	return !channel_is_quiet(l->channel);
}

static void post_pair(struct link *l, enum message_kind kind, uint32_t a, uint32_t b)
{
	size_t begin = message_begin(&l->scratch, kind);

	pack_u32(&l->scratch, a);
	pack_u32(&l->scratch, b);
	post(l, begin);
}

static void post_text(struct link *l, enum message_kind kind, uint32_t number, const char *text, size_t max)
{
	size_t begin = message_begin(&l->scratch, kind);

	pack_u32(&l->scratch, number);
	pack_cut(&l->scratch, text, max);
	post(l, begin);
}

void link_send_close_idle(struct link *l, uint32_t destination, unsigned count)
{
	post_pair(l, MESSAGE_CLOSE_IDLE, destination, count);
}

void link_send_recall(struct link *l, uint32_t destination, uint32_t request)
{
	post_pair(l, MESSAGE_RECALL, destination, queue_end_slot(l->queue_end, request));
}

void link_send_stop(struct link *l)
{
	post_pair(l, MESSAGE_STOP, 0, 0);
}

void link_send_credit(struct link *l, unsigned more)
{
	post_pair(l, MESSAGE_CREDIT, 0, more);
}

void link_send_closed(struct link *l, uint32_t destination, unsigned count)
{
	post_pair(l, MESSAGE_CLOSED, destination, count);
}

void link_send_note(struct link *l, uint32_t request, const char *text)
{
	post_text(l, MESSAGE_NOTE, request, text, LINK_FIELD_MAX);
}

void link_send_lookup(struct link *l, uint32_t number, const char *question)
{
	post_text(l, MESSAGE_LOOKUP, number, question, LINK_ANSWER_MAX);
}

void link_send_found(struct link *l, uint32_t number, const char *answer)
{
	post_text(l, MESSAGE_FOUND, number, answer, LINK_ANSWER_MAX);
}

void link_send_have(struct link *l, const char *key)
{
	post_text(l, MESSAGE_HAVE, 0, key, LINK_FIELD_MAX);
}

void link_send_keep(struct link *l, const char *key, const void *value, size_t n)
{
	size_t begin = message_begin(&l->scratch, MESSAGE_KEEP);

	pack_cut(&l->scratch, key, LINK_FIELD_MAX);
	pack_bytes(&l->scratch, value, n);
	post(l, begin);
}

void link_send_keep_until(struct link *l, const char *key, int64_t until, const void *value, size_t n)
{
	char *all = mem_alloc(sizeof until + n);

	memcpy(all, &until, sizeof until);
	if (n > 0)
		memcpy(all + sizeof until, value, n);
	link_send_keep(l, key, all, sizeof until + n);
	free(all);
}

void link_send_answer(struct link *l, const struct answer *a)
{
	size_t begin = message_begin(&l->scratch, MESSAGE_ANSWER);

	message_put_answer(&l->scratch, a);
	post(l, begin);
}

void link_send_finish(struct link *l, const struct finish *f)
{
	size_t begin = message_begin(&l->scratch, MESSAGE_FINISH);

	message_put_finish(&l->scratch, f);
	post(l, begin);
}

void link_mark_dot(struct link *l, uint32_t request)
{
	courier_end_mark(l->courier_end, request);
}

bool link_dot_marked(const struct link *l, uint32_t request)
{
	return queue_end_marked(l->queue_end, request);
}

/* Hearing. */

/* The messages that either end may send. */
static void hear_common(struct link *l, enum message_kind kind, struct unpack *u)
{
	uint32_t number = kind == MESSAGE_KEEP ? 0 : unpack_u32(u, UINT32_MAX);
	const char *text = unpack_text(u, LINK_ANSWER_MAX);
	struct text value = kind == MESSAGE_KEEP ? unpack_bytes(u, PACKET_MAX) : text_make(NULL, 0);

	if (!text)
		unpack_fail(u, "a string is missing");
	if (!unpack_end(u))
		return;
	if (kind == MESSAGE_LOOKUP && l->events->lookup)
		l->events->lookup(l->arg, number, text);
	if (kind == MESSAGE_FOUND && l->events->found)
		l->events->found(l->arg, number, text);
	if (kind == MESSAGE_KEEP && l->events->keep)
		l->events->keep(l->arg, text, value.p, value.n);
	if (kind == MESSAGE_HAVE && l->events->have)
		l->events->have(l->arg, text);
}

static void hear_message(struct link *l, enum message_kind kind, struct unpack *u, struct packet *packet)
{
	if (kind >= MESSAGE_LOOKUP)
		hear_common(l, kind, u);
	else if (l->queue_end)
		queue_end_hear(l->queue_end, kind, u);
	else
		courier_end_hear(l->courier_end, kind, u, packet);
}

/* Nothing of a message that is wrong is passed on, nor anything behind it. */
static void hear_packet(void *arg, struct packet *packet)
{
	struct link *l = arg;
	struct unpack all = unpack_of(packet->bytes, packet->n), fields;
	char where[80];

	while (all.n > 0 && !channel_broken(l->channel)) {
		enum message_kind kind = message_next(&all, &fields);

		if (!all.wrong)
			hear_message(l, kind, &fields, packet);
		snprintf(where, sizeof where, "internal error (please report): message of kind %d", (int)kind);
		if (all.wrong || fields.wrong)
			channel_break(l->channel, where, all.wrong ? all.wrong : fields.wrong);
	}
	if (packet->fd >= 0)
		channel_break(l->channel, "internal error (please report)",
			"a descriptor that belongs to no request");
}

static void ended(void *arg, const char *why)
{
	struct link *l = arg;

	l->events->broken(l->arg, why);
}

static const struct channel_events channel_events = { hear_packet, ended };

static void begin_at_queue(struct link *l)
{
	int fd;

	l->queue_end = queue_end_new(l->events, l->arg, &fd);
	if (fd < 0)
		channel_break(l->channel, "no shared memory for the link", strerror(errno));
	send_hello(l, fd);
	if (fd >= 0)
		close(fd);
}

struct link *link_new(struct loop *loop, int fd, const struct link_events *events, void *arg)
{
	struct link *l = mem_alloc(sizeof *l);

	assert(!events->request != !events->answer);
	l->loop = loop;
	l->events = events;
	l->arg = arg;
	l->rest = loop_timer_new(loop, rest_over, l);
	l->flush_task = (struct loop_task){ .fn = flush_task, .arg = l };
	l->channel = channel_new(loop, fd, PACKETS_A_TURN, &channel_events, l);
	buf_init(&l->scratch, PACKET_MAX);
	buf_init(&l->out, PACKET_MAX);
	if (events->answer)
		begin_at_queue(l);
	else
		l->courier_end = courier_end_new(l, events, arg);
	return l;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	loop_cancel(l->loop, &l->flush_task);
	loop_timer_free(l->rest);
	channel_free(l->channel);
	queue_end_free(l->queue_end);
	courier_end_free(l->courier_end);
	buf_free(&l->scratch);
	buf_free(&l->out);
	free(l);
}
