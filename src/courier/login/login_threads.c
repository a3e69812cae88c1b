#include "courier/login/login_threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"

enum {
	THREADS_MAX = 16,
	STACK_SIZE = 1024 * 1024  /* bytes; the C library's look-ups take some */
};

struct login_start {
	struct list in;          /* waiting or finished */
	bool waits;              /* for a thread; loop only */
	struct login_threads *threads;
	struct auth *auth;
	char *mechanisms;
	bool fine;
	void (*begun)(void *arg, struct auth *, bool fine);   /* loop only; NULL: nobody wants to hear of it */
	void *arg;
};

struct login_threads {
	struct loop_watch *watch;
	struct list waiting;     /* struct login_start, the oldest first; loop only */
	unsigned running;        /* loop only, until it is abandoned */
	int event;
	pthread_mutex_t lock;    /* of what follows */
	struct list finished;
	bool abandoned;          /* there is no loop any more: whoever is the last frees this */
};

static void free_start(struct login_start *s)
{
	auth_free(s->auth);
	free(s->mechanisms);
	free(s);
}

static void free_threads(struct login_threads *t)
{
	pthread_mutex_destroy(&t->lock);
	close(t->event);
	free(t);
}

/* --- in a thread --- */

static void *thread_main(void *arg)
{
	static const uint64_t one = 1;
	struct login_start *s = arg;
	struct login_threads *t = s->threads;
	bool last = false;

	s->fine = auth_begin(s->auth, s->mechanisms);
	pthread_mutex_lock(&t->lock);
	if (t->abandoned) {
		free_start(s);
		last = --t->running == 0;
	} else {
		list_append(&t->finished, &s->in);
		if (write(t->event, &one, sizeof one) < 0)
			abort();
	}
	pthread_mutex_unlock(&t->lock);
	if (last)
		free_threads(t);
	return NULL;
}

/* --- in the loop --- */

/* Signals are the loop's business. */
static bool start_thread(struct login_start *s)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	bool started;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&thread, &attributes, thread_main, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

/* Where no thread can be made the loop has to wait. */
static void start_some(struct login_threads *t)
{
	while (t->running < THREADS_MAX && !list_empty(&t->waiting)) {
		struct login_start *s = LIST_OF(list_first(&t->waiting), struct login_start, in);

		list_remove(&s->in);
		s->waits = false;
		t->running++;
		if (!start_thread(s))
			thread_main(s);
	}
}

/* Locked. */
static struct login_start *take_finished(struct login_threads *t)
{
	struct login_start *s;

	if (list_empty(&t->finished))
		return NULL;
	s = LIST_OF(list_first(&t->finished), struct login_start, in);
	list_remove(&s->in);
	return s;
}

static struct login_start *take_next(struct login_threads *t)
{
	struct login_start *s;

	pthread_mutex_lock(&t->lock);
	s = take_finished(t);
	pthread_mutex_unlock(&t->lock);
	return s;
}

static void finished_some(void *arg, bool readable, bool writable)
{
	struct login_threads *t = arg;
	struct login_start *s;
	uint64_t count;

	(void)readable, (void)writable;
	if (read(t->event, &count, sizeof count) < 0)
		return;
	while ((s = take_next(t))) {
		struct auth *auth = s->auth;

		t->running--;
		if (s->begun) {
			s->auth = NULL;
			s->begun(s->arg, auth, s->fine);
		}
		free_start(s);
	}
	start_some(t);
}

struct login_start *login_start(struct login_threads *t, struct auth *auth, const char *mechanisms,
	void (*begun)(void *arg, struct auth *, bool fine), void *arg)
{
	struct login_start *s = mem_alloc(sizeof *s);

	s->threads = t;
	s->auth = auth;
	s->mechanisms = mem_str(mechanisms);
	s->begun = begun;
	s->arg = arg;
	s->waits = true;
	list_append(&t->waiting, &s->in);
	start_some(t);
	return s;
}

void login_start_forget(struct login_start *s)
{
	if (!s)
		return;
	s->begun = NULL;
	if (!s->waits)
		return;
	list_remove(&s->in);
	free_start(s);
}

/* --- coming and going --- */

struct login_threads *login_threads_new(struct loop *loop)
{
	struct login_threads *t = mem_alloc(sizeof *t);

	t->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event < 0)
		abort();
	t->watch = loop_watch_new(loop, t->event, finished_some, t);
	loop_watch_want(t->watch, true, false);
	pthread_mutex_init(&t->lock, NULL);
	list_init(&t->waiting);
	list_init(&t->finished);
	return t;
}

bool login_threads_free(struct login_threads *t)
{
	struct login_start *s;
	bool all;

	if (!t)
		return true;
	loop_watch_free(t->watch);
	while (!list_empty(&t->waiting))
		login_start_forget(LIST_OF(list_first(&t->waiting), struct login_start, in));
	pthread_mutex_lock(&t->lock);
	t->abandoned = true;
	while ((s = take_finished(t))) {
		t->running--;
		free_start(s);
	}
	all = t->running == 0;
	pthread_mutex_unlock(&t->lock);
	if (all)
		free_threads(t);
	return all;
}
