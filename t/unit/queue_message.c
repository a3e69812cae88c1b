#include <malloc.h>
#include <string.h>

#include "base/mem.h"
#include "queue/destination/destination.h"
#include "queue/message/schedule.h"
#include "unit.h"

/* The promise: however many wait, with allocator and indexes. Sizes just behind a doubling of the hash table
 * are the worst ones. */
static const size_t crowds[] = { 100000, 200000, 100, 3000 };
enum { PROMISED = 128, SLACK = 64 * 1024 };

START_TEST(test_bytes_of_a_waiting_message)
{
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, after, count = crowds[_i];
	struct messages *all = messages_new();
	struct schedule *s = schedule_new();
	struct parking p = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct message *m = messages_add(all, i + 1);

		messages_set_reason(all, m, "connect to /run/dovecot/lmtp: Connection refused");
		schedule_set(s, m, (int64_t)(i * 7919 % 100003));
		parking_add(&p, m->id);
	}
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	ck_assert_msg(after - before <= count * PROMISED + SLACK, "%zu bytes a message",
	              (after - before) / count);
	parking_free(&p);
	for (size_t i = 0; i < count; i++)
		schedule_remove(s, messages_find(all, i + 1));
	schedule_free(s);
	messages_free(all);
}
END_TEST

/* Counts of recipients and the ones that become final. */
static const struct { size_t count; size_t final[6]; } bitmaps[] = {
	{ 1, { 0, 0, 0, 0, 0, 0 } },
	{ 64, { 0, 1, 31, 32, 62, 63 } },
	{ 65, { 0, 1, 62, 63, 64, 64 } },
	{ 1000, { 7, 8, 63, 64, 500, 999 } },
	{ 100000, { 0, 65535, 65536, 99997, 99998, 99999 } },
};

static bool in(const size_t *list, size_t value)
{
	for (size_t i = 0; i < 6; i++)
		if (list[i] == value)
			return true;
	return false;
}

START_TEST(test_final_recipients)
{
	struct messages *all = messages_new();
	struct message *m = messages_add(all, 1);

	for (size_t i = 0; i < 6; i++)
		message_set_final(m, bitmaps[_i].final[i], bitmaps[_i].count);
	for (size_t i = 0; i < bitmaps[_i].count; i++)
		ck_assert_int_eq(message_is_final(m, i), in(bitmaps[_i].final, i));
	ck_assert(!message_is_final(m, bitmaps[_i].count + 1000));
	messages_free(all);
}
END_TEST

/* Known from the journal before the number of recipients is. */
START_TEST(test_final_recipients_survive_widening)
{
	struct messages *all = messages_new();
	struct message *m = messages_add(all, 1);

	message_set_final(m, 3, 10);
	message_set_final(m, 63, 64);
	message_set_final(m, 70, 71);
	message_set_final(m, 199, 200);
	for (size_t i = 0; i < 200; i++)
		ck_assert_int_eq(message_is_final(m, i), i == 3 || i == 63 || i == 70 || i == 199);
	messages_free(all);
}
END_TEST

START_TEST(test_recipient_beyond_the_last)
{
	struct messages *all = messages_new();

	message_set_final(messages_add(all, 1), 5, 5);
}
END_TEST

START_TEST(test_states_are_counted)
{
	struct messages *all = messages_new();
	struct message *m = messages_add(all, 7);

	for (size_t i = 0; messages_shown(i); i++) {
		ck_assert(message_state_is_known(messages_shown(i)));
		ck_assert_uint_eq(messages_in_shown(all, messages_shown(i)),
			strcmp(messages_shown(i), "incoming") == 0);
	}
	ck_assert_ptr_null(messages_add(all, 7));
	ck_assert_ptr_eq(messages_find(all, 7), m);
	ck_assert_uint_eq(messages_in(all, MESSAGE_INCOMING), 1);
	messages_set_state(all, m, MESSAGE_HELD);
	ck_assert_uint_eq(messages_in(all, MESSAGE_INCOMING), 0);
	ck_assert_uint_eq(messages_in(all, MESSAGE_HELD), 1);
	ck_assert_str_eq(message_state_name(m), "held");
	messages_remove(all, m);
	ck_assert_uint_eq(messages_in(all, MESSAGE_HELD), 0);
	ck_assert_uint_eq(messages_total(all), 0);
	ck_assert_ptr_null(messages_find(all, 7));
	messages_free(all);
}
END_TEST

START_TEST(test_reasons)
{
	struct messages *all = messages_new();
	struct message *one = messages_add(all, 1), *two = messages_add(all, 2);
	char longer[500], distinct[40];

	ck_assert_str_eq(message_reason(one), "");
	messages_set_reason(all, one, "no");
	messages_set_reason(all, two, "no");
	ck_assert_ptr_eq(one->reason, two->reason);
	messages_remove(all, one);
	ck_assert_str_eq(message_reason(two), "no");
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	messages_set_reason(all, two, longer);
	ck_assert_uint_eq(strlen(message_reason(two)), 200);
	messages_set_reason(all, two, "");
	ck_assert_str_eq(message_reason(two), "");
	/* There is a bound to how many different ones are remembered. */
	for (uint64_t id = 3; id < 20003; id++) {
		snprintf(distinct, sizeof distinct, "reason %d", (int)id);
		messages_set_reason(all, messages_add(all, id), distinct);
	}
	ck_assert_str_eq(message_reason(messages_find(all, 3)), "reason 3");
	ck_assert_str_eq(message_reason(messages_find(all, 20002)), "");
	messages_free(all);
}
END_TEST

/* First in, first out, whatever the pattern. */
START_TEST(test_parking)
{
	struct parking p = { 0 };
	uint64_t state = 5, in_next = 1, out_next = 1, id;

	for (int i = 0; i < 100000; i++) {
		if (schedule_random(&state) % 5 < 3) {
			parking_add(&p, in_next++);
		} else if (parking_take(&p, &id)) {
			ck_assert_uint_eq(id, out_next);
			out_next++;
		}
		ck_assert_uint_eq(parking_count(&p), in_next - out_next);
	}
	while (parking_take(&p, &id)) {
		ck_assert_uint_eq(id, out_next);
		out_next++;
	}
	ck_assert_uint_eq(out_next, in_next);
	ck_assert_ptr_null(p.ids);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "bytes of a waiting message", test_bytes_of_a_waiting_message, UNIT_ROWS(crowds), 0 },
		{ "final recipients", test_final_recipients, UNIT_ROWS(bitmaps), 0 },
		{ "final recipients survive widening", test_final_recipients_survive_widening, 1, 0 },
		{ "recipient beyond the last", test_recipient_beyond_the_last, 1, SIGABRT },
		{ "states are counted", test_states_are_counted, 1, 0 },
		{ "reasons", test_reasons, 1, 0 },
		{ "parking", test_parking, 1, 0 },
	};

	return unit_main("queue/message", cases, UNIT_ROWS(cases));
}
