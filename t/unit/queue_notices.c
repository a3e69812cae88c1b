#include <string.h>

#include "format/journal/queue_id.h"
#include "queue/report/notices.h"
#include "queue_world.h"
#include "unit.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)

/* The postmaster's host is dead, so that notices stay. */
static void begin(struct world *w, const char *classes)
{
	world_begin(w, "notify_classes", classes, NULL);
	world_open(w);
	world_host(w, "inet:a")->dead = true;
}

static void give(struct world *w, enum notice_class class, const char *key)
{
	notices_raise(w->queue->notices, &(struct notice){ .class = class, .key = key, .subject = key,
		.text = "It is so.\n" });
}

static const struct { const char *classes; enum notice_class class; bool told; } rows[] = {
	{ "", NOTICE_SOFTWARE, false },
	{ "resource, software", NOTICE_SOFTWARE, true },
	{ "resource, software", NOTICE_RESOURCE, true },
	{ "resource, software", NOTICE_PROTOCOL, false },
	{ "Protocol", NOTICE_PROTOCOL, true },
	{ "data", NOTICE_DATA, true },
	{ "data", NOTICE_DELAY, false },
};

START_TEST(test_classes)
{
	struct world w;

	begin(&w, rows[_i].classes);
	give(&w, rows[_i].class, "x");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(fake_spool_count(), rows[_i].told);
	world_end(&w);
}
END_TEST

/* The same is counted, and its count told once an hour; another one is not the same. */
START_TEST(test_no_flood)
{
	struct world w;

	begin(&w, "software");
	for (int i = 0; i < 100; i++) {
		give(&w, NOTICE_SOFTWARE, "one");
		world_run(&w, MINUTE / 10);
	}
	ck_assert_uint_eq(fake_spool_count(), 1);
	give(&w, NOTICE_SOFTWARE, "other");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 2);
	world_run(&w, HOUR);
	ck_assert_uint_eq(fake_spool_count(), 3);
	/* nothing came any more: nothing is told, and it is new when it comes again */
	world_run(&w, 3 * HOUR);
	ck_assert_uint_eq(fake_spool_count(), 3);
	give(&w, NOTICE_SOFTWARE, "one");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 4);
	world_end(&w);
}
END_TEST

/* A full disk is told of as long as it lasts, once an hour. */
START_TEST(test_full_disk)
{
	struct world w;

	begin(&w, "resource");
	fake_spool_full = true;
	world_run(&w, 30 * MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 1);
	world_run(&w, 40 * MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 2);
	fake_spool_full = false;
	world_run(&w, 3 * HOUR);
	ck_assert_uint_eq(fake_spool_count(), 3);
	world_end(&w);
}
END_TEST

/* However many different troubles there are, the mail about them is bounded. */
START_TEST(test_many_keys)
{
	struct world w;
	char key[20];

	begin(&w, "protocol");
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof key, "host %d", i);
		give(&w, NOTICE_PROTOCOL, key);
	}
	world_run(&w, MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 501);
	world_end(&w);
}
END_TEST

/* No notice is made about one that cannot be delivered. */
START_TEST(test_no_loop)
{
	struct world w;

	world_begin(&w, "notify_classes", "software, bounce, 2bounce, protocol", "error_notice_recipient",
		"never@a.test",
		"2bounce_notice_recipient", "never@a.test", "bounce_notice_recipient", "never@a.test", NULL);
	world_open(&w);
	give(&w, NOTICE_SOFTWARE, "x");
	world_drop(&w, "never@sender.test", "never@b.test");
	world_run(&w, 10 * MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 0);
	/* the notice, the report, its copy, and the notice about the report */
	ck_assert_uint_eq(world_journal("report "), 4);
	world_end(&w);
}
END_TEST

/* Copies of reports: the second one with the same status from the same host is counted. */
START_TEST(test_copies)
{
	struct world w;
	uint64_t id;
	const char *copy;

	begin(&w, "bounce");
	world_host(&w, "inet:sender")->dead = true;
	id = world_drop(&w, "s@sender.test", "never@b.test");
	world_run(&w, MINUTE);
	copy = fake_spool_file(queue_id_make(queue_id_microseconds(id), 1 | QUEUE_ID_NOTICE));
	ck_assert_ptr_nonnull(copy);
	ck_assert_ptr_nonnull(strstr(copy, "RCPT TO:<postmaster@origin.test> NOTIFY=NEVER\r\n"));
	ck_assert_ptr_nonnull(strstr(copy, "Subject: Copy for the postmaster"));
	ck_assert_ptr_nonnull(strstr(copy, "<s@sender.test>"));
	ck_assert_ptr_nonnull(strstr(copy, "Final-Recipient: rfc822; never@b.test"));
	ck_assert_ptr_null(strstr(copy, "\nbody"));
	world_drop(&w, "s@sender.test", "never@b.test");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 3);
	world_run(&w, 2 * HOUR);
	ck_assert_uint_eq(fake_spool_count(), 4);
	world_end(&w);
}
END_TEST

/* The file of the report that was written last. */
static const char *last_report(void)
{
	const char *at = buf_text(&fake_journal), *last = at;
	uint64_t id;

	while ((at = strstr(at, "report ")))
		last = at += strlen("report ");
	ck_assert(queue_id_parse(last, strcspn(last, " \n"), &id));
	return fake_spool_file(id);
}

/* Reports that cannot be delivered: the first is the postmaster's whatever notify_classes says, then those
 * with the same status from the same host are counted, and the journal has all. */
START_TEST(test_2bounce)
{
	struct world w;
	const char *notice;

	world_begin(&w, "notify_classes", "", "2bounce_notice_recipient", "master@c.test", NULL);
	world_open(&w);
	world_host(&w, "inet:c")->dead = true;
	for (int i = 0; i < 20; i++) {
		world_drop(&w, "never@sender.test", "never@b.test");
		world_run(&w, MINUTE / 10);
	}
	ck_assert_uint_eq(fake_spool_count(), 1);
	ck_assert_uint_eq(world_journal("report "), 20 + 1);
	world_run(&w, HOUR);
	ck_assert_uint_eq(fake_spool_count(), 2);
	notice = last_report();
	ck_assert_ptr_nonnull(notice);
	ck_assert_ptr_nonnull(strstr(notice, "RCPT TO:<master@c.test> NOTIFY=NEVER\r\n"));
	ck_assert_ptr_nonnull(strstr(notice,
		"Subject: Undeliverable report: 5.1.1 from host.test (19 more)\r\n"));
	world_run(&w, 3 * HOUR);
	world_drop(&w, "never@sender.test", "never@b.test");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(fake_spool_count(), 3);
	world_end(&w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "classes", test_classes, UNIT_ROWS(rows), 0 },
		{ "no flood", test_no_flood, 1, 0 },
		{ "full disk", test_full_disk, 1, 0 },
		{ "many keys", test_many_keys, 1, 0 },
		{ "no loop", test_no_loop, 1, 0 },
		{ "copies", test_copies, 1, 0 },
		{ "2bounce", test_2bounce, 1, 0 },
	};

	return unit_main("queue/notices", cases, UNIT_ROWS(cases));
}
