#include "spool_peer.h"

#include <sys/mman.h>

struct peer_notes *peer_notes;

/* ---- the notes ---- */

void peer_notes_new(void)
{
	peer_notes = mmap(NULL, sizeof *peer_notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(peer_notes, MAP_FAILED);
}

static void note(char what, const char *name, uint64_t id)
{
	struct peer_note *n = &peer_notes->all[peer_notes->count];

	ck_assert_uint_lt(peer_notes->count, PEER_NOTES);
	n->what = what;
	n->id = id;
	snprintf(n->name, sizeof n->name, "%s", name);
	peer_notes->count++;
}

int peer_count(char what, const char *name)
{
	int count = 0;

	for (size_t i = 0; i < peer_notes->count; i++)
		count += peer_notes->all[i].what == what && strcmp(peer_notes->all[i].name, name) == 0;
	return count;
}

/* Whether an earlier note of the same name has one of the letters, and the same id if that matters. */
static bool was_noted(const struct peer_note *n, const char *letters, bool same_id)
{
	for (const struct peer_note *o = peer_notes->all; o < n; o++)
		if (strchr(letters, o->what) && strcmp(o->name, n->name) == 0 && (o->id == n->id || !same_id))
			return true;
	return false;
}

/* Copies that came behind a result which was told as committed: of a file, and of a report. */
static int count_needless(const char *name)
{
	int count = 0;

	for (const struct peer_note *n = peer_notes->all; n < &peer_notes->all[peer_notes->count]; n++)
		count += n->what == 's' && strcmp(n->name, name) == 0 && was_noted(n, "fh", queue_id_report(n->id));
	return count;
}

/* Messages that he was sent, which have ids of their own. */
static int count_messages(const char *name)
{
	int count = 0;

	for (const struct peer_note *n = peer_notes->all; n < &peer_notes->all[peer_notes->count]; n++)
		count += n->what == 's' && strcmp(n->name, name) == 0 && !was_noted(n, "s", true);
	return count;
}

/* One for a file; but a refusal that a crash has hidden is found once more, and reported once more. */
static int messages_allowed(const char *name)
{
	return strcmp(name, PEER_REPORT) == 0 ? peer_count('s', PEER_BOUNCE)
		: strcmp(name, PEER_DELAY) == 0 ? peer_count('s', PEER_LATE) : 1;
}

/* ---- one message ---- */

/* What the start has told of the message that is late. */
static bool late_warned;

struct delivery {
	struct world *w;
	struct spool_message *message;   /* until it was recorded */
	uint64_t id;
	char name[PEER_NAME], outcome;
};

static bool is_called(const struct delivery *d, const char *name)
{
	return strcmp(d->name, name) == 0;
}

static void told(void *arg)
{
	struct delivery *d = arg;

	note(d->outcome, d->name, d->id);
	d->w->pending--;
	free(d);
}

/* The parent's lines that rely on the report. */
static void finish_bounced(void *arg)
{
	struct delivery *d = arg;
	const struct spool_result result = { .status = 'b', .dsn = "5.0.0", .peer = "peer", .text = "550 no",
		.when = 1 };

	spool_result(d->w->spool, d->id, &result);
	spool_done(d->w->spool, d->id);
	spool_commit(d->w->spool, told, d);
}

/* One that is late: no second report is made, whatever happens from here on. */
static void finish_late(void *arg)
{
	struct delivery *d = arg;
	const struct spool_result result = { .status = 'd', .dsn = "4.0.0", .peer = "peer", .text = "450 later",
		.when = 1 };

	spool_result(d->w->spool, d->id, &result);
	spool_warned(d->w->spool, d->id);
	spool_next(d->w->spool, d->id, 2, 1);
	spool_commit(d->w->spool, told, d);
}

static void send_report(struct delivery *d, const char *to, void (*finish)(void *arg))
{
	static const char content[] = "Subject: x\r\n\r\nx\r\n.\r\n";
	struct world *w = d->w;
	char file[300];
	int envelope = snprintf(file, sizeof file, "MAIL FROM:<>\r\nRCPT TO:<%s@example.org>\r\nDATA\r\n", to);

	spool_message_free(d->message);
	d->message = NULL;
	snprintf(file + envelope, sizeof file - (size_t)envelope, "%s", content);
	spool_report(w->spool, d->id + 1 + (uint64_t)w->committed++, file, strlen(file), (size_t)envelope, finish,
		d);
}

static void add_wordy_lines(const struct delivery *d)
{
	static char text[500];
	const struct spool_result result = { .status = 'd', .dsn = "4.0.0", .peer = "p", .text = text };

	memset(text, 'x', sizeof text - 1);
	for (int i = 0; i < PEER_WORDY_LINES; i++)
		spool_result(d->w->spool, d->id, &result);
}

static bool lives_on(const struct delivery *d)
{
	return is_called(d, PEER_DEFER) || is_called(d, PEER_LATE) || is_called(d, PEER_HOLD);
}

static void record_result(struct delivery *d)
{
	const struct spool_result result = { .rcpt = 0, .dsn = "2.0.0", .peer = "peer", .text = "250 2.0.0 saved",
		.when = 1, .status = lives_on(d) ? 'd' : 's' };

	if (is_called(d, PEER_WORDY))
		add_wordy_lines(d);
	spool_result(d->w->spool, d->id, &result);
}

static void record(struct delivery *d)
{
	struct spool *s = d->w->spool;

	spool_message_free(d->message);
	if (is_called(d, PEER_HOLD))
		spool_hold(s, d->id, true);
	else if (!is_called(d, PEER_DELETE))
		record_result(d);
	if (lives_on(d))
		spool_next(s, d->id, 2, 1);
	else
		spool_done(s, d->id);
	spool_commit(s, told, d);
}

/* Its sender is told, unless he was. */
static bool is_late(const struct delivery *d)
{
	return is_called(d, PEER_LATE) && !late_warned;
}

static void record_written(void *arg, int file)
{
	struct delivery *d = arg;

	close(file);
	if (is_late(d))
		send_report(d, PEER_DELAY, finish_late);
	else
		record(d);
}

static void deliver(struct world *w, struct spool_message *m)
{
	struct delivery *d = mem_alloc(sizeof *d);
	const char *address = m->envelope->rcpts[0].address;

	*d = (struct delivery){ .w = w, .id = m->id, .message = m };
	snprintf(d->name, sizeof d->name, "%.*s", (int)strcspn(address, "@"), address);
	d->outcome = is_called(d, PEER_HOLD) ? 'h' : lives_on(d) ? 'd' : 'f';
	note('s', d->name, d->id);
	if (is_called(d, PEER_BOUNCE))
		send_report(d, PEER_REPORT, finish_bounced);
	else if (m->unwritten && lives_on(d))
		spool_write(w->spool, m->id, m->fd, record_written, d);
	else if (is_late(d))
		send_report(d, PEER_DELAY, finish_late);
	else
		record(d);
}

/* ---- what the spool tells ---- */

/* Report numbers start behind those that were used. */
static void skip_reports(struct world *w, size_t used)
{
	if (used > w->committed)
		w->committed = used;
}

static void on_arrived(void *arg, struct spool_message *m)
{
	struct world *w = arg;

	skip_reports(w, m->reports);
	w->pending++;
	deliver(w, m);
}

static void on_loaded(void *arg, uint64_t id, struct spool_message *m)
{
	struct world *w = arg;

	(void)id;
	ck_assert_ptr_nonnull(m);
	w->pending--;
	on_arrived(w, m);
}

static void finished(void *arg)
{
	struct world *w = arg;

	w->pending--;
}

static void on_known(void *arg, const struct spool_known *known)
{
	struct world *w = arg;

	skip_reports(w, known->reports);
	late_warned |= known->warned;
	if (known->held)
		return;
	w->pending++;
	if (known->final[0] & 1) {
		spool_done(w->spool, known->id);
		spool_commit(w->spool, finished, w);
	} else {
		spool_load(w->spool, known->id, on_loaded, w);
	}
}

static const struct spool_events events = { .arrived = on_arrived, .refused = world_refused,
	.known = on_known, .ready = world_ready, .corrupt = world_corrupt };

void peer_begin(struct world *w)
{
	late_warned = false;
	world_begin(w, &events);
}

/* ---- the end ---- */

bool peer_is_complete(const struct world *w, const char *const *names, size_t count, size_t left)
{
	if (!w->ready || w->pending > 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (peer_count('s', names[i]) == 0)
			return false;
	return world_count(w, "drop/new", "") == 0 && world_count(w, "queue", ".drop") == 0
		&& world_messages(w) == left;
}

void peer_check(const struct world *w, const char *const *names, size_t count, size_t left, const char *what)
{
	for (size_t i = 0; i < count; i++) {
		ck_assert_msg(peer_count('s', names[i]) >= 1, "%s: %s got nothing", what, names[i]);
		ck_assert_msg(count_needless(names[i]) == 0,
			"%s: %s got a copy after his result was committed", what, names[i]);
		ck_assert_msg(count_messages(names[i]) <= messages_allowed(names[i]), "%s: %s was sent %d messages",
			what, names[i], count_messages(names[i]));
	}
	ck_assert_msg(world_count(w, "drop/new", "") == 0, "%s: something is left in drop/new", what);
	ck_assert_msg(world_count(w, "queue", ".drop") + world_count(w, "queue", ".part") == 0,
		"%s: a claim or a part is left", what);
	ck_assert_msg(world_messages(w) == left, "%s: %zu messages are left", what, world_messages(w));
}
