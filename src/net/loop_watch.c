#include "net/loop_private.h"

#include <stdlib.h>

#include "base/mem.h"

struct loop_watch {
	struct loop *loop;
	struct event in, out;
	void (*ready)(void *arg, bool readable, bool writable);
	void *arg;
	bool wants_in, wants_out;
};

struct loop_signal {
	struct loop *loop;
	struct event event;
	void (*caught)(void *arg, int signo);
	void *arg;
};

static void watch_in(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;

	(void)fd;
	(void)what;
	w->ready(w->arg, true, false);
}

static void watch_out(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;

	(void)fd;
	(void)what;
	w->ready(w->arg, false, true);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd,
	void (*ready)(void *arg, bool readable, bool writable), void *arg)
{
	struct loop_watch *w = mem_alloc(sizeof *w);

	w->loop = l;
	w->ready = ready;
	w->arg = arg;
	event_assign(&w->in, l->base, fd, EV_READ | EV_PERSIST, watch_in, w);
	event_assign(&w->out, l->base, fd, EV_WRITE | EV_PERSIST, watch_out, w);
	l->owned++;
	return w;
}

static void event_switch(struct event *e, bool *is, bool wanted)
{
	if (*is == wanted)
		return;
	*is = wanted;
	if (wanted)
		event_add(e, NULL);
	else
		event_del(e);
}

void loop_watch_want(struct loop_watch *w, bool readable, bool writable)
{
	event_switch(&w->in, &w->wants_in, readable);
	event_switch(&w->out, &w->wants_out, writable);
}

void loop_watch_free(struct loop_watch *w)
{
	if (!w)
		return;
	loop_watch_want(w, false, false);
	w->loop->owned--;
	free(w);
}

static void signal_caught(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)what;
	s->caught(s->arg, signo);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, void (*caught)(void *arg, int signo),
	void *arg)
{
	struct loop_signal *s = mem_alloc(sizeof *s);

	s->loop = l;
	s->caught = caught;
	s->arg = arg;
	event_assign(&s->event, l->base, signo, EV_SIGNAL | EV_PERSIST, signal_caught, s);
	event_add(&s->event, NULL);
	l->owned++;
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (!s)
		return;
	event_del(&s->event);
	s->loop->owned--;
	free(s);
}
