/* The feed of events: who is told of, and that it is on the disk by then. */
#include <string.h>

#include "base/json.h"
#include "queue_world.h"
#include "unit.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

struct heard {
	struct buf story;             /* the event of each line, or its status */
	json_t *last;
};

static void hear(void *arg, const char *line, size_t n)
{
	struct heard *h = arg;
	const char *why = NULL;
	json_t *o = json_read(line, n, &why);

	ck_assert_msg(o, "%s: %.*s", why, (int)n, line);
	ck_assert_int_eq(line[n - 1], '\n');
	ck_assert_ptr_eq(memchr(line, '\n', n), line + n - 1);
	buf_fmt(&h->story, "%s%s", h->story.len ? " " : "", json_object_get(o, "status") ?
		json_string_value(json_object_get(o, "status")) : json_string_value(json_object_get(o, "event")));
	json_decref(h->last);
	h->last = o;
}

static void begin(struct world *w, struct heard *h)
{
	memset(h, 0, sizeof *h);
	buf_init(&h->story, 10000);
	world_begin(w, "queue.bounce_queue_lifetime", "1h", NULL);
	world_open(w);
	queue_set_events(w->queue, hear, h);
}

static void end(struct world *w, struct heard *h)
{
	world_end(w);
	json_decref(h->last);
	buf_free(&h->story);
}

static const struct { const char *rcpt; int64_t run; const char *story; } stories[] = {
	{ "ok@a.test", SECOND, "accepted sent" },
	{ "later@a.test", SECOND, "accepted deferred" },
	{ "never@a.test", SECOND, "accepted bounced" },
	{ "again@a.test", SECOND, "accepted sent" },
};

START_TEST(test_story)
{
	struct world w;
	struct heard h;

	begin(&w, &h);
	fake_spool_next.drop_name = "my-file";
	world_drop(&w, "", stories[_i].rcpt);
	world_run(&w, stories[_i].run);
	ck_assert_str_eq(buf_text(&h.story), stories[_i].story);
	end(&w, &h);
}
END_TEST

static const char *text_of_member(const struct heard *h, const char *name)
{
	const char *s = json_string_value(json_object_get(h->last, name));

	ck_assert_msg(s, "%s is missing", name);
	return s;
}

START_TEST(test_members)
{
	struct world w;
	struct heard h;

	begin(&w, &h);
	fake_spool_next.mail_params = "ENVID=abc";
	fake_spool_next.rcpt_params = "ORCPT=rfc822;old@a.test";
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, SECOND);
	ck_assert_str_eq(text_of_member(&h, "recipient"), "ok@a.test");
	ck_assert_str_eq(text_of_member(&h, "sender"), "s@sender.test");
	ck_assert_str_eq(text_of_member(&h, "orcpt"), "rfc822;old@a.test");
	ck_assert_str_eq(text_of_member(&h, "envid"), "abc");
	ck_assert_str_eq(text_of_member(&h, "dsn"), "2.0.0");
	ck_assert_str_eq(text_of_member(&h, "reply"), "250 2.0.0 Saved");
	ck_assert_str_eq(text_of_member(&h, "peer"), "host.test[192.0.2.1]:24");
	ck_assert_str_eq(text_of_member(&h, "transport"), "lmtp");
	ck_assert(json_is_true(json_object_get(h.last, "final")));
	ck_assert_uint_eq(json_array_size(json_object_get(h.last, "delays")), 4);
	ck_assert_uint_eq(strlen(text_of_member(&h, "time")), strlen("2026-11-25T13:30:00.123Z"));
	ck_assert_uint_eq(strlen(text_of_member(&h, "arrived")), strlen("2026-11-25T13:30:00.123Z"));
	end(&w, &h);
}
END_TEST

/* What is given up is told of once more, and that is final. */
START_TEST(test_expired)
{
	struct world w;
	struct heard h;
	size_t n;

	begin(&w, &h);
	world_drop(&w, "", "later@a.test");
	world_run(&w, 3 * 60 * MINUTE);
	n = strlen(buf_text(&h.story));
	ck_assert_str_eq(h.story.data + n - strlen(" deferred expired"), " deferred expired");
	ck_assert(json_is_true(json_object_get(h.last, "final")));
	end(&w, &h);
}
END_TEST

/* Nothing is told before it is on the disk. */
START_TEST(test_commit_comes_first)
{
	struct world w;
	struct heard h;

	begin(&w, &h);
	fake_spool_hold = true;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, MINUTE);
	ck_assert_str_eq(buf_text(&h.story), "accepted");
	fake_spool_hold = false;
	world_drop(&w, "s@sender.test", "ok@a.test");
	world_run(&w, MINUTE);
	ck_assert_uint_eq(strlen(buf_text(&h.story)), strlen("accepted accepted sent sent"));
	end(&w, &h);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "story", test_story, UNIT_ROWS(stories), 0 },
		{ "members", test_members, 1, 0 },
		{ "expired", test_expired, 1, 0 },
		{ "commit comes first", test_commit_comes_first, 1, 0 },
	};

	return unit_main("queue/events", cases, UNIT_ROWS(cases));
}
