#include "spool/disk/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/mem.h"

enum { LOOK_MS = 1000 };

static const uint64_t default_minimum = 64 * 1024 * 1024;

struct space {
	struct loop *loop;
	const struct tree *tree;
	uint64_t minimum;
	void (*again)(void *arg);
	void *arg;
	struct loop_timer *timer;
	uint64_t free_bytes, unseen;   /* unseen: written since */
	bool is_short;
};

static unsigned long long mebi(uint64_t bytes)
{
	return (unsigned long long)(bytes / 1024 / 1024);
}

static uint64_t wanted_bytes(const struct space *s, const struct statvfs *v)
{
	uint64_t percent = (uint64_t)v->f_blocks * v->f_frsize / 100 + 1;

	if (s->minimum)
		return s->minimum;
	return percent < default_minimum ? percent : default_minimum;
}

/* What there is too little of, where so many times the minimum must be free: text to free(), or NULL. */
static char *shortage(struct space *s, unsigned times)
{
	struct statvfs v;
	uint64_t inodes, bytes;

	s->unseen = s->free_bytes = 0;
	if (fstatvfs(s->tree->queue, &v) != 0)
		return mem_fmt("it cannot be told what is free: %s", strerror(errno));
	s->free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	bytes = wanted_bytes(s, &v);
	inodes = (uint64_t)v.f_files / 100;
	if (s->free_bytes < bytes * times)
		return mem_fmt("the disk is nearly full: %llu of its %llu MiB are free, and minimum_free is %llu MiB",
			mebi(s->free_bytes), mebi((uint64_t)v.f_blocks * v.f_frsize), mebi(bytes));
	if (inodes && v.f_favail < inodes * times)
		return mem_fmt("the disk has hardly any inodes left for new files: %llu of its %llu are free, and 1 "
			"%% must be", (unsigned long long)v.f_favail, (unsigned long long)v.f_files);
	return NULL;
}

static void stop(struct space *s, const char *what)
{
	if (!s->is_short)
		log_line(LOG_LEVEL_ERROR, "pickup", NULL,
			"%s: %s; no new mail is taken in until twice the minimum is free, deliveries go on; make room",
			s->tree->path, what);
	s->is_short = true;
	loop_timer_set(s->timer, LOOK_MS);
}

static void go_on(struct space *s)
{
	log_line(LOG_LEVEL_INFO, "pickup", NULL, "%s: there is room again (%llu MiB free); new mail is taken "
		"in", s->tree->path, mebi(s->free_bytes));
	s->is_short = false;
	s->again(s->arg);
}

static void look(void *arg)
{
	struct space *s = arg;
	char *what = shortage(s, s->is_short ? 2 : 1);

	if (what)
		stop(s, what);
	else if (s->is_short)
		go_on(s);
	free(what);
}

struct space *space_new(struct loop *loop, const struct tree *tree, uint64_t minimum,
	void (*again)(void *arg), void *arg)
{
	struct space *s = mem_alloc(sizeof *s);

	s->loop = loop;
	s->tree = tree;
	s->minimum = minimum;
	s->again = again;
	s->arg = arg;
	s->timer = loop_timer_new(loop, look, s);
	look(s);
	return s;
}

void space_free(struct space *s)
{
	if (!s)
		return;
	loop_timer_free(s->timer);
	free(s);
}

void space_set_minimum(struct space *s, uint64_t minimum)
{
	s->minimum = minimum;
	look(s);
}

/* Other programs fill disks too: a look once a second while mail comes in. */
void space_used(struct space *s, uint64_t bytes)
{
	s->unseen += bytes;
	if (s->unseen > s->free_bytes / 8)
		look(s);
	else if (!loop_timer_is_set(s->timer))
		loop_timer_set(s->timer, LOOK_MS);
}

void space_met_end(struct space *s, int error)
{
	char *what = mem_fmt("a file could not be written: %s", strerror(error));

	stop(s, what);
	free(what);
}

bool space_is_short(const struct space *s)
{
	return s->is_short;
}

uint64_t space_free_bytes(const struct space *s)
{
	return s->free_bytes;
}
