#include "daemon/control/control_guests.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/mem.h"

enum {
	GUESTS_MAX = 64,
	LOOK_EVERY = 1000,          /* ms */
	PATIENCE = 30 * 1000,       /* ms from connecting to a whole request */
	PATIENCE_IF_FULL = 2 * 1000
};

struct guest {
	struct list node;
	struct bufferevent *stream;
	int64_t since;              /* ms of the boot clock */
	bool asked;
};

struct guests {
	struct loop *loop;
	struct list all;            /* oldest first */
	size_t count;
	bool full;
	struct loop_timer *look;
	void (*open)(void *arg, bool);
	void *arg;
};

static void forget(struct guests *g, struct guest *guest)
{
	list_remove(&guest->node);
	bufferevent_decref(guest->stream);
	free(guest);
	g->count--;
}

/* The server takes its call-backs away when it lets go of a stream; ours is the last reference then. */
static bool has_left(const struct guest *guest)
{
	bufferevent_event_cb event;

	bufferevent_getcb(guest->stream, NULL, NULL, &event, NULL);
	return !event;
}

/* Ended so, the server finds the connection closed and cleans up behind it as always. */
static void show_the_door(struct guest *guest)
{
	shutdown(bufferevent_getfd(guest->stream), SHUT_RDWR);
}

static void look_around(struct guests *g)
{
	int64_t latest = loop_now(g->loop) - (g->full ? PATIENCE_IF_FULL : PATIENCE);

	LIST_EACH(node, &g->all) {
		struct guest *guest = LIST_OF(node, struct guest, node);

		if (has_left(guest))
			forget(g, guest);
		else if (!guest->asked && guest->since < latest)
			show_the_door(guest);
	}
}

static void look(void *arg)
{
	struct guests *g = arg;

	look_around(g);
	if (g->full && g->count < GUESTS_MAX) {
		g->full = false;
		g->open(g->arg, true);
	}
	if (g->count)
		loop_timer_set(g->look, LOOK_EVERY);
}

struct guests *guests_new(struct loop *loop, void (*open)(void *arg, bool), void *arg)
{
	struct guests *g = mem_alloc(sizeof(*g));

	g->loop = loop;
	g->open = open;
	g->arg = arg;
	g->look = loop_timer_new(loop, look, g);
	list_init(&g->all);
	return g;
}

void guests_farewell(struct guests *g)
{
	LIST_EACH(node, &g->all) {
		struct bufferevent *stream = LIST_OF(node, struct guest, node)->stream;
		struct evbuffer *answer = bufferevent_get_output(stream);

		evbuffer_unfreeze(answer, 1);   /* a stream writes by itself, and lets nobody else */
		if (evbuffer_get_length(answer) && bufferevent_getfd(stream) >= 0)
			evbuffer_write(answer, bufferevent_getfd(stream));
	}
}

void guests_free(struct guests *g)
{
	if (!g)
		return;
	LIST_EACH(node, &g->all)
		forget(g, LIST_OF(node, struct guest, node));
	loop_timer_free(g->look);
	free(g);
}

struct bufferevent *guests_welcome(struct guests *g)
{
	struct guest *guest = mem_alloc(sizeof(*guest));

	/* The descriptor is closed with the stream, which our reference keeps beyond the server's: closed
	 * earlier, its number would come back as somebody else's, whom libevent would then never hear. */
	guest->stream = mem_check(bufferevent_socket_new(loop_base(g->loop), -1, BEV_OPT_CLOSE_ON_FREE));
	guest->since = loop_now(g->loop);
	bufferevent_incref(guest->stream);
	if (g->count + 1 >= GUESTS_MAX)
		look_around(g);
	list_append(&g->all, &guest->node);
	if (++g->count >= GUESTS_MAX) {
		g->full = true;
		g->open(g->arg, false);
	}
	if (!loop_timer_is_set(g->look))
		loop_timer_set(g->look, LOOK_EVERY);
	return guest->stream;
}

void guests_asked(struct guests *g, struct bufferevent *stream)
{
	LIST_EACH(node, &g->all) {
		struct guest *guest = LIST_OF(node, struct guest, node);

		if (guest->stream == stream)
			guest->asked = true;
	}
}
