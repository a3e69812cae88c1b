#include "queue/report/notices.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/header/own_mail.h"
#include "format/journal/queue_id.h"
#include "format/smtp/envelope.h"
#include "queue/core.h"
#include "queue/result/batch.h"

enum {
	HOUR = 60 * 60 * 1000,
	KEYS_MAX = 500,               /* troubles remembered; what is more of a class counts as one */
	STUCK = 60 * 1000,            /* ms after which a commit under way is a trouble of the disk */
	MAIL_MAX = 256 * 1024
};

/* Something that has come in the last hour. */
struct trouble {
	char *key, *subject;
	enum notice_class class;
	int64_t since;                /* ms of the boot clock */
	size_t more;                  /* times after the first */
};

struct notices {
	struct queue *queue;
	struct map *troubles;
};

static const char *const names[] = {
	[NOTICE_2BOUNCE] = "2bounce", [NOTICE_BOUNCE] = "bounce", [NOTICE_DATA] = "data",
	[NOTICE_DELAY] = "delay",
	[NOTICE_PROTOCOL] = "protocol", [NOTICE_RESOURCE] = "resource", [NOTICE_SOFTWARE] = "software",
};

bool notices_wanted(const struct settings *s, enum notice_class class)
{
	return text_list_has(s->notify_classes, names[class]);
}

static const char *recipient(const struct settings *s, enum notice_class class)
{
	switch (class) {
	case NOTICE_2BOUNCE:
		return s->double_bounce_recipient;
	case NOTICE_BOUNCE:
		return s->bounce_notice_recipient;
	case NOTICE_DELAY:
		return s->delay_notice_recipient;
	default:
		return s->error_notice_recipient;
	}
}

struct notices *notices_new(struct queue *q)
{
	struct notices *n = mem_alloc(sizeof *n);

	n->queue = q;
	n->troubles = map_new();
	return n;
}

static void trouble_free(struct trouble *t)
{
	free(t->key);
	free(t->subject);
	free(t);
}

void notices_free(struct notices *n)
{
	struct trouble *t;
	size_t cursor = 0;

	if (!n)
		return;
	while ((t = map_next(n->troubles, &cursor)))
		trouble_free(t);
	map_free(n->troubles);
	free(n);
}

/* --- the mail --- */

static char *address_of(const struct settings *s, enum notice_class class)
{
	const char *to = recipient(s, class);

	return strchr(to, '@') ? mem_str(to) : mem_fmt("%s@%s", to, s->myorigin);
}

static void print_envelope(const char *to, struct buf *out)
{
	struct envelope *e = envelope_new();

	envelope_add(e, to, NULL, NOTIFY_NEVER);
	envelope_print(e, out);
	envelope_free(e);
}

/* Nothing relies on it. */
static void written(void *arg)
{
	struct notices *n = arg;

	batch_add_other(n->queue->batches);
}

/* Numbered like a report, so that none is ever made about it. */
static void send(struct notices *n, const struct notice *what)
{
	const struct settings *s = n->queue->settings;
	uint64_t id = queue_id_make(queue_id_microseconds(spool_new_id(n->queue->spool)), QUEUE_ID_NOTICE | 1);
	char name[QUEUE_ID_SIZE], *to = address_of(s, what->class);
	char *from = mem_fmt("MAILER-DAEMON@%s", s->myhostname);
	char *message_id = mem_fmt("%s@%s", queue_id_print(id, name), s->myhostname);
	struct buf mail;
	size_t content_at;

	buf_init(&mail, MAIL_MAX);
	print_envelope(to, &mail);
	content_at = mail.len;
	own_mail_begin(&(struct own_mail){ .from = from, .to = to, .subject = what->subject,
		.message_id = message_id, .obsolete_from = s->header_from_format == FROM_OBSOLETE,
		.now = queue_wall(n->queue, queue_now(n->queue)) }, &mail);
	buf_str(&mail, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n");
	own_mail_text(what->text, what->transcript, &mail);
	if (!mail.over)
		spool_report(n->queue->spool, id, mail.data, mail.len, content_at, written, n);
	log_line(LOG_LEVEL_INFO, "bounce", name, "postmaster notice (%s): %s", names[what->class], what->subject);
	buf_free(&mail);
	free(to);
	free(from);
	free(message_id);
}

/* --- what is the same --- */

/* The trouble of that key, made if need be; *first tells that. */
static struct trouble *trouble_of(struct notices *n, enum notice_class class, const char *key,
	const char *subject, bool *first)
{
	const bool full = map_count(n->troubles) >= KEYS_MAX && !map_get(n->troubles, key, strlen(key));
	const char *name = full ? names[class] : key;
	struct trouble *t = map_get(n->troubles, name, strlen(name));

	*first = !t;
	if (t)
		return t;
	t = mem_alloc(sizeof *t);
	*t = (struct trouble){ .key = mem_str(name), .class = class, .since = queue_now(n->queue),
		.subject = full ? mem_fmt("many troubles of class %s", name) : mem_str(subject) };
	map_put(n->troubles, name, strlen(name), t);
	return t;
}

bool notices_first(struct notices *n, enum notice_class class, const char *key, const char *subject)
{
	bool first;
	struct trouble *t = trouble_of(n, class, key, subject, &first);

	t->more += !first;
	return first;
}

void notices_raise(struct notices *n, const struct notice *what)
{
	if (notices_wanted(n->queue->settings, what->class) && !n->queue->stopping &&
		notices_first(n, what->class, what->key, what->subject))
		send(n, what);
}

static void tell_more(struct notices *n, const struct trouble *t)
{
	char *subject = mem_fmt("%s (%zu more)", t->subject, t->more);
	char *text = mem_fmt("Within an hour after the last notice about this the same has come %zu more times. "
		"No mail was sent for each of them; the log has them all.\n", t->more);

	send(n, &(struct notice){ .class = t->class, .subject = subject, .text = text });
	free(subject);
	free(text);
}

/* Own reports that cannot be delivered are told of whatever notify_classes says. */
static bool is_told(const struct settings *s, enum notice_class class)
{
	return class == NOTICE_2BOUNCE || notices_wanted(s, class);
}

/* One that came again goes on for another hour; else it is over. True if it is. */
static bool is_over(struct notices *n, struct trouble *t)
{
	if (!t->more)
		return true;
	if (is_told(n->queue->settings, t->class))
		tell_more(n, t);
	t->since = queue_now(n->queue);
	t->more = 0;
	return false;
}

static void tell_counted(struct notices *n)
{
	struct trouble *t, *over = NULL;
	size_t cursor = 0;

	while (!over && (t = map_next(n->troubles, &cursor)))
		if (queue_now(n->queue) - t->since >= HOUR && is_over(n, t))
			over = t;
	if (!over)
		return;
	map_take(n->troubles, over->key, strlen(over->key));
	trouble_free(over);
	tell_counted(n);
}

/* --- the disk --- */

static const struct notice disk_full = {
	.class = NOTICE_RESOURCE, .key = "disk full", .subject = "the disk is full",
	.text = "The file system of the spool has less room than queue { minimum_free } asks for. No mail is "
		"taken in until there is twice as much; what is in the queue is being delivered, and nothing "
		"is lost.\nMake room on it.\n",
}, disk_stuck = {
	.class = NOTICE_RESOURCE, .key = "journal", .subject = "the disk takes no results",
	.text = "The queue's journal has not been written for more than a minute. Results of deliveries wait, "
		"and if the power fails now some recipients get a second copy.\nThe log names the error; look at "
		"the disk.\n",
};

static void look_at_the_disk(struct notices *n)
{
	struct spool_state state;

	spool_state(n->queue->spool, &state);
	if (state.intake_stopped)
		notices_raise(n, &disk_full);
	if (batches_age(n->queue->batches) > STUCK)
		notices_raise(n, &disk_stuck);
}

void notices_minute(struct notices *n)
{
	look_at_the_disk(n);
	tell_counted(n);
}
