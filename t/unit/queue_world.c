#include "queue_world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/journal/queue_id.h"

static void set(struct world *w, const char *path, const char *value)
{
	const char *why = NULL;

	if (!settings_set(w->settings, path, value, &why)) {
		fprintf(stderr, "%s: %s\n", path, why);
		abort();
	}
}

void world_begin(struct world *w, ...)
{
	va_list args;
	const char *path;

	memset(w, 0, sizeof *w);
	w->loop = loop_new();
	w->settings = settings_new();
	w->credit = 16;
	w->duration = 10;
	w->last_pid = 1000;
	list_init(&w->couriers);
	set(w, "myhostname", "us.test");
	set(w, "myorigin", "origin.test");
	set(w, "notify_classes", "");
	set(w, "mailbox_domains", "a.test b.test c.test d.test sender.test origin.test");
	set(w, "mailbox_transport", "lmtp:inet:a");
	set(w, "transport_maps",
	    "inline:{b.test=lmtp:inet:b, c.test=lmtp:inet:c, d.test=lmtp:inet:d, "
	    "sender.test=lmtp:inet:sender, nowhere.test=nosuch:x}");
	va_start(args, w);
	while ((path = va_arg(args, const char *)))
		set(w, path, va_arg(args, const char *));
	va_end(args);
}

/* As from a supervisor, in a later turn than the question. */
static void add_apart(void *arg)
{
	world_courier(arg, QUEUE_SLOT_APART);
}

static void start_apart(void *arg)
{
	struct world *w = arg;

	w->apart = (struct loop_task){ .fn = add_apart, .arg = w };
	loop_later(w->loop, &w->apart);
}

void world_open(struct world *w)
{
	char *why = NULL;
	int code = 0;

	w->queue = queue_new(w->loop, w->settings, &why, &code);
	assert(w->queue);
	w->queue->random = 1;
	queue_set_supervisor(w->queue, &(struct queue_supervisor){ .start_apart = start_apart, .arg = w });
	world_courier(w, 0);
	world_run(w, 1);
}

void world_crash(struct world *w)
{
	world_end_couriers(w);
	queue_free(w->queue);
	w->queue = NULL;
}

void world_end(struct world *w)
{
	world_crash(w);
	settings_free(w->settings);
	loop_free(w->loop);
	log_flush();
}

uint64_t world_drop(struct world *w, const char *sender, const char *rcpt)
{
	return fake_spool_drop(w->queue->spool, sender, &rcpt, 1, "Subject: test\r\n\r\nbody\r\n");
}

uint64_t world_drop_many(struct world *w, const char *sender, const char *prefix, const char *domain,
                         size_t count)
{
	char **rcpts = mem_alloc(count * sizeof *rcpts);
	uint64_t id;

	for (size_t i = 0; i < count; i++)
		rcpts[i] = mem_fmt("%s%zu@%s", prefix, i, domain);
	id = fake_spool_drop(w->queue->spool, sender, (const char *const *)rcpts, count,
	                     "Subject: test\r\n\r\nbody\r\n");
	for (size_t i = 0; i < count; i++)
		free(rcpts[i]);
	free(rcpts);
	return id;
}

struct left {
	struct world *world;
	size_t count;
};

/* The queue has let go of them too. */
static bool is_left(void *arg)
{
	const struct left *l = arg;

	return fake_spool_count() == l->count && messages_total(l->world->queue->messages) == l->count;
}

bool world_until_left(struct world *w, size_t count, int64_t ms)
{
	struct left l = { w, count };

	return fake_loop_until(w->loop, is_left, &l, ms);
}

static bool is_set(void *arg)
{
	return *(bool *)arg;
}

bool world_until_set(struct world *w, bool *flag, int64_t ms)
{
	return fake_loop_until(w->loop, is_set, flag, ms);
}

void world_run(struct world *w, int64_t ms)
{
	fake_loop_until(w->loop, NULL, NULL, ms);
}

unsigned world_journal(const char *text)
{
	unsigned n = 0;

	for (const char *at = buf_text(&fake_journal); (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

const char *world_story(uint64_t id)
{
	static char out[1000];
	char name[QUEUE_ID_SIZE], what[20], whose[40];
	const char *at = buf_text(&fake_journal);
	size_t n;

	queue_id_print(id, name);
	n = strlen(name);
	out[0] = '\0';
	for (; sscanf(at, "%19s %39s", what, whose) == 2; at = strchr(at, '\n') + 1) {
		bool is_report = strcmp(what, "report") == 0 && strncmp(whose, name, n) == 0;

		if (strcmp(whose, name) == 0 || is_report)
			snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", *out ? " " : "", what);
	}
	return out;
}

const char *world_state(struct world *w, uint64_t id)
{
	const struct message *m = messages_find(w->queue->messages, id);

	return m ? message_state_name(m) : "gone";
}

/* --- the operator --- */

static void note_ordered(void *arg, const struct queue_order_answer *a)
{
	(void)arg;
	assert(a->changed <= a->found);
}

void world_order(struct world *w, enum queue_order order, uint64_t id, const struct queue_filter *filter,
	bool dry_run)
{
	queue_order(w->queue, order, id, filter, dry_run, note_ordered, NULL);
}

static void note_suspended(void *arg, json_t *destination, const char *why)
{
	(void)arg;
	assert(destination && !why);
}

void world_suspend(struct world *w, const char *destination, bool suspended)
{
	queue_suspend(w->queue, destination, suspended, note_suspended, NULL);
}
