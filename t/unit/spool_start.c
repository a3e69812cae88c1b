/* In which order a start tells what there is, and that it takes new mail in meanwhile. */
#include "config.h"

#include <stdlib.h>

#include "format/journal/crc32c.h"

#include "spool_world.h"

#define WIRE "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r\n"

enum { MESSAGES = 20000, PAUSE_EVERY = 500, PAUSE_US = 100000 };

static struct {
	size_t known, known_at_arrival, arrived;
	uint64_t last;
	bool slow;
} seen;

static void note_known(void *arg, const struct spool_known *k)
{
	(void)arg;
	ck_assert(!seen.known || k->id < seen.last);   /* the newest first */
	seen.last = k->id;
	/* a receiver that is slow until it has what it looks for */
	if (++seen.known % PAUSE_EVERY == 0 && seen.slow && !seen.arrived)
		usleep(PAUSE_US);
}

static void note_arrived(void *arg, struct spool_message *m)
{
	struct world *w = arg;

	seen.known_at_arrival = seen.known;
	seen.arrived++;
	w->arrived[w->arrived_count++] = m;
}

static uint64_t id_of(size_t i)
{
	return queue_id_make(UINT64_C(1700000000000000) + i, 0);
}

/* The messages are in journal and directory, as a stop leaves them; names in no order. */
static void fill(const struct world *w)
{
	char path[100], text[200], id[QUEUE_ID_SIZE];
	struct buf journal;

	buf_init(&journal, 4 << 20);
	for (size_t i = 0; i < MESSAGES; i++) {
		queue_id_print(id_of(i * 7 % MESSAGES), id);
		snprintf(path, sizeof path, "queue/%s", id);
		world_write(w, path, WIRE, strlen(WIRE));
		snprintf(text, sizeof text,
			"in %s time=1700000000000 uid=7 size=6 rcpts=1 hops=0 flags=0 origin=drop", id);
		buf_fmt(&journal, "%08x %zu %s\n", crc32c(text, strlen(text)), strlen(text), text);
	}
	ck_assert(!journal.over);
	world_write(w, "queue/journal", journal.data, journal.len);
	buf_free(&journal);
}

START_TEST(test_new_mail_does_not_wait_for_old)
{
	static const struct spool_events events = { .arrived = note_arrived, .known = note_known,
		.ready = world_ready };
	struct world *w = world_new();

	world_open(w);
	world_close(w);
	fill(w);
	world_drop(w, "1", WIRE);
	seen.slow = true;
	world_begin(w, &events);
	world_wait(w, w->ready && seen.arrived);
	ck_assert_uint_eq(seen.known, MESSAGES);
	ck_assert_uint_eq(seen.arrived, 1);
	ck_assert_uint_lt(seen.known_at_arrival, MESSAGES);
	ck_assert_uint_gt(w->arrived[0]->id, id_of(MESSAGES));
	world_free(w);
}
END_TEST

/* Nothing is told after the end, and what was not told is there at the next start. */
START_TEST(test_stop_while_it_is_told)
{
	static const struct spool_events events = { .arrived = note_arrived, .known = note_known,
		.ready = world_ready };
	struct world *w = world_new();
	size_t known;

	world_open(w);
	world_close(w);
	fill(w);
	world_begin(w, &events);
	world_wait(w, seen.known);
	known = seen.known;
	world_close(w);
	ck_assert_uint_eq(seen.known, known);
	seen.known = 0;
	world_begin(w, &events);
	world_wait(w, w->ready);
	ck_assert_uint_eq(seen.known, MESSAGES);
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "new mail does not wait for old", test_new_mail_does_not_wait_for_old, 1, 0 },
		{ "stop while it is told", test_stop_while_it_is_told, 1, 0 },
	};

	return unit_main("spool/start", cases, UNIT_ROWS(cases));
}
