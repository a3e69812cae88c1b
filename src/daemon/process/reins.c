#include "daemon/process/reins.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "link/channel.h"
#include "link/pack.h"

#define PACKETS_A_TURN 4

struct reins {
	struct channel *channel;
	void (*heard)(void *arg, const struct reins_message *);
	void (*ended)(void *arg);
	void *arg;
};

bool reins_send(struct reins *r, const struct reins_message *m)
{
	struct buf b;

	buf_init(&b, PACKET_MAX);
	pack_u8(&b, m->kind);
	pack_u32(&b, m->slot);
	pack_u32(&b, (uint32_t)m->pid);
	pack_u32(&b, (uint32_t)m->status);
	pack_cut(&b, m->text, sizeof m->text - 1);
	channel_send(r->channel, &b, m->fd);
	buf_free(&b);
	return !channel_broken(r->channel);
}

static bool unpack_message(struct unpack *u, struct reins_message *m)
{
	const char *text;

	m->kind = (enum reins_kind)unpack_u8(u, REINS_LAST);
	m->slot = unpack_u32(u, UINT_MAX);
	m->pid = (pid_t)unpack_u32(u, INT_MAX);
	m->status = (int)unpack_u32(u, INT_MAX);
	text = unpack_text(u, sizeof m->text - 1);
	if (!unpack_end(u))
		return false;
	if (text)
		memcpy(m->text, text, strlen(text));
	return true;
}

static void packet(void *arg, struct packet *p)
{
	struct reins *r = arg;
	struct unpack u = unpack_of(p->bytes, p->n);
	struct reins_message m = { .fd = p->fd };

	if (p->fd_lost)
		channel_break(r->channel, "no room for a descriptor", NULL);
	else if (!unpack_message(&u, &m))
		channel_break(r->channel, "bad message", u.wrong);
	else {
		p->fd = -1;
		r->heard(r->arg, &m);
	}
}

static void ended(void *arg, const char *why)
{
	struct reins *r = arg;

	(void)why;
	r->ended(r->arg);
}

static const struct channel_events events = { packet, ended };

struct reins *reins_new(struct loop *loop, int fd, void (*heard)(void *arg, const struct reins_message *),
	void (*ended_fn)(void *arg), void *arg)
{
	struct reins *r = mem_alloc(sizeof *r);

	r->heard = heard;
	r->ended = ended_fn;
	r->arg = arg;
	r->channel = channel_new(loop, fd, PACKETS_A_TURN, &events, r);
	return r;
}

void reins_free(struct reins *r)
{
	if (!r)
		return;
	channel_free(r->channel);
	free(r);
}
