#include "spool/space.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/mem.h"

enum { LOOK_MS = 1000 };

static const uint64_t mib = 1024 * 1024, default_minimum = 64 * 1024 * 1024;

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

/* What must be free, and what must be free of inodes. */
static uint64_t wanted_bytes(const struct space *s, const struct statvfs *v)
{
	uint64_t percent = (uint64_t)v->f_blocks * v->f_frsize / 100 + 1;

	if (s->minimum)
		return s->minimum;
	return percent < default_minimum ? percent : default_minimum;
}

static bool has_room(struct space *s, const struct statvfs *v, unsigned times)
{
	uint64_t inodes = (uint64_t)v->f_files / 100;

	s->free_bytes = (uint64_t)v->f_bavail * v->f_frsize;
	s->unseen = 0;
	return s->free_bytes >= wanted_bytes(s, v) * times && (inodes == 0 || v->f_favail >= inodes * times);
}

static void stop(struct space *s, const char *what)
{
	if (!s->is_short)
		log_line(LOG_LEVEL_ERROR, "pickup", NULL,
			"%s: %s (%llu MiB free); no new mail is taken in, deliveries go on; make room, or "
			"lower queue { minimum_free }", s->tree->path, what,
			(unsigned long long)(s->free_bytes / mib));
	s->is_short = true;
	loop_timer_set(s->timer, LOOK_MS);
}

static void go_on(struct space *s)
{
	log_line(LOG_LEVEL_INFO, "pickup", NULL, "%s: there is room again (%llu MiB free); new mail is taken "
		"in", s->tree->path,
		(unsigned long long)(s->free_bytes / mib));
	s->is_short = false;
	s->again(s->arg);
}

static void look(void *arg)
{
	struct space *s = arg;
	struct statvfs v;

	if (fstatvfs(s->tree->queue, &v) != 0)
		v = (struct statvfs){ 0 };   /* no answer is no room */
	if (!has_room(s, &v, s->is_short ? 2 : 1))
		stop(s, "the disk is nearly full");
	else if (s->is_short)
		go_on(s);
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

void space_met_end(struct space *s)
{
	stop(s, "the disk is full");
}

bool space_is_short(const struct space *s)
{
	return s->is_short;
}

uint64_t space_free_bytes(const struct space *s)
{
	return s->free_bytes;
}
