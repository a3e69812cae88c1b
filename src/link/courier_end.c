#include "link/courier_end.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "link/marks.h"

/* The request that is being put together. */
struct arrival {
	struct request *request;
	uint32_t rcpts_left;
	int fd;
	bool fd_lost;
};

struct courier_end {
	struct link *link;
	const struct link_events *events;
	void *arg;
	struct marks *marks;
	struct arrival arrival;
};

struct courier_end *courier_end_new(struct link *link, const struct link_events *events, void *arg)
{
	struct courier_end *c = mem_alloc(sizeof *c);

	c->link = link;
	c->events = events;
	c->arg = arg;
	c->arrival.fd = -1;
	return c;
}

void courier_end_free(struct courier_end *c)
{
	if (!c)
		return;
	request_free(c->arrival.request);
	if (c->arrival.fd >= 0)
		close(c->arrival.fd);
	marks_free(c->marks);
	free(c);
}

void courier_end_mark(struct courier_end *c, uint32_t slot)
{
	marks_put(c->marks, slot, true);
}

static void hear_hello(struct courier_end *c, struct unpack *u, struct packet *packet)
{
	uint32_t version = unpack_u32(u, UINT32_MAX);

	if (!unpack_end(u))
		return;
	if (version != MESSAGE_VERSION)
		unpack_fail(u, "the other end is of another version");
	else if (c->marks)
		unpack_fail(u, "a second greeting");
	else
		c->marks = marks_map(LINK_SLOTS, packet->fd);
	if (!c->marks)
		unpack_fail(u, "the page of dot marks did not come");
	if (packet->fd >= 0)
		close(packet->fd);
	packet->fd = -1;
}

static void hear_request(struct courier_end *c, struct unpack *u, struct packet *packet)
{
	struct arrival *a = &c->arrival;

	if (a->request || !c->marks) {
		unpack_fail(u, "a request at the wrong time");
		return;
	}
	a->request = message_get_request(u, &a->rcpts_left);
	if (!a->request)
		return;
	a->fd = packet->fd;
	a->fd_lost = packet->fd_lost;
	packet->fd = -1;
	if (a->fd < 0 && !a->fd_lost && !a->request->probe)
		unpack_fail(u, "a request without its file");
}

/* The file did not get through for want of descriptors here: nothing was tried, so everybody may be tried
 * again at once. */
static void give_back(struct courier_end *c, struct request *r)
{
	char none[] = "none", why[] = "no free descriptor in this courier";
	struct answer a = { .request = r->number, .relay = none };
	struct finish f = { .request = r->number, .destination = r->destination, .site = SITE_FINE };

	a.verdict = (struct verdict){ .outcome = OUTCOME_AGAIN, .stage = STAGE_LOCAL, .text = why };
	for (a.rcpt = 0; a.rcpt < r->envelope->count; a.rcpt++)
		link_send_answer(c->link, &a);
	link_send_finish(c->link, &f);
	request_free(r);
}

static void hear_rcpt(struct courier_end *c, struct unpack *u)
{
	struct arrival a = c->arrival;

	if (!a.request || !message_get_rcpt(u, a.request->envelope)) {
		unpack_fail(u, "a recipient without a request");
		return;
	}
	if (--c->arrival.rcpts_left > 0)
		return;
	c->arrival = (struct arrival){ .fd = -1 };
	if (a.fd_lost && a.fd >= 0)
		close(a.fd);
	if (a.fd_lost)
		give_back(c, a.request);
	else
		c->events->request(c->arg, a.request, a.fd);
}

static void hear_close_idle(struct courier_end *c, struct unpack *u)
{
	uint32_t destination = unpack_u32(u, UINT32_MAX), count = unpack_u32(u, UINT32_MAX);

	if (unpack_end(u))
		c->events->close_idle(c->arg, destination, count);
}

static void hear_recall(struct courier_end *c, struct unpack *u)
{
	uint32_t destination = unpack_u32(u, UINT32_MAX), request = unpack_u32(u, LINK_SLOTS - 1);

	if (unpack_end(u))
		c->events->recall(c->arg, destination, request);
}

static void hear_stop(struct courier_end *c, struct unpack *u)
{
	unpack_u32(u, 0);
	unpack_u32(u, 0);
	if (unpack_end(u))
		c->events->stop(c->arg);
}

void courier_end_hear(struct courier_end *c, enum message_kind kind, struct unpack *u, struct packet *packet)
{
	switch (kind) {
	case MESSAGE_HELLO:
		hear_hello(c, u, packet);
		break;
	case MESSAGE_REQUEST:
		hear_request(c, u, packet);
		break;
	case MESSAGE_RCPT:
		hear_rcpt(c, u);
		break;
	case MESSAGE_RECALL:
		hear_recall(c, u);
		break;
	case MESSAGE_CLOSE_IDLE:
		hear_close_idle(c, u);
		break;
	case MESSAGE_STOP:
		hear_stop(c, u);
		break;
	default:
		unpack_fail(u, "it is not for a courier");
	}
}
