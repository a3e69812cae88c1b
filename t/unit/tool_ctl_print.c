#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "tool/ctl_history.h"
#include "tool/ctl_print.h"

enum { NOW = 1000000 };

static void print_line(FILE *out, const json_t *message)
{
	ctl_print_line(out, message, NOW);
}

static void print_message(FILE *out, const json_t *message)
{
	ctl_print_message(out, message, NOW);
}

static void print_mailq_end(FILE *out, const json_t *sums)
{
	ctl_print_mailq_end(out, (uint64_t)ctl_number(sums, "n"), (uint64_t)ctl_number(sums, "bytes"));
}

static void print_count(FILE *out, const json_t *answer)
{
	ctl_print_count(out, answer, "/retry?all=1", false);
}

static void print_release_count(FILE *out, const json_t *answer)
{
	ctl_print_count(out, answer, "/release?id=x", false);
}

static void print_dry_count(FILE *out, const json_t *answer)
{
	ctl_print_count(out, answer, "/retry?all=1&dry_run=1", true);
}

/* An answer and the whole text that it becomes; none of them may break off or hide anything. */
static const struct {
	void (*print)(FILE *, const json_t *);
	const char *json, *text;
} shown[] = {
	{ ctl_print_mailq,
		"{\"id\":\"08Dspd83qb\",\"state\":\"active\",\"sender\":\"a@x\",\"size\":2048,\"arrived\":992800000,"
		"\"reason\":\"why\",\"recipients\":[{\"address\":\"b@x\",\"state\":\"sent\",\"text\":\"ok\"},"
		"{\"address\":\"c@x\",\"state\":\"deferred\"},{\"address\":\"d@x\",\"state\":\"waiting\"},"
		"{\"address\":\"e@x\\u001b\",\"state\":\"deferred\",\"text\":\"other\"}]}",
		"08Dspd83qb*    2048 Mon Jan 12 11:46:40  a@x\n"
		"                                                                         (why)\n"
		"                                         c@x\n                                         d@x\n"
		"                                                                       (other)\n"
		"                                         e@x?\n\n" },
	{ ctl_print_mailq, "{\"id\":\"a\",\"state\":\"held\"}",
		"a!                0 Thu Jan  1 00:00:00  MAILER-DAEMON\n\n" },
	{ print_mailq_end, "{\"n\":0,\"bytes\":0}", "Mail queue is empty\n" },
	{ print_mailq_end, "{\"n\":1,\"bytes\":2047}", "-- 1 Kbytes in 1 Request.\n" },
	{ print_mailq_end, "{\"n\":12,\"bytes\":20480}", "-- 20 Kbytes in 12 Requests.\n" },
	{ print_line,
		"{\"id\":\"08Dspd83qb\",\"state\":\"deferred\",\"sender\":\"a@x\",\"size\":2048,"
		"\"arrived\":992800000,"
		"\"next\":1000060000,\"attempts\":3,\"reason\":\"why\",\"recipients\":[{\"address\":\"b@x\","
		"\"state\":\"sent\"},"
		"{\"address\":\"c@x\",\"state\":\"deferred\"},{\"address\":\"d@x\",\"state\":\"waiting\"}]}",
		"08Dspd83qb  deferred 2h     in 1m         3  2.0K  a@x                       c@x (+1)               "
		"   why\n" },
	{ print_line,
		"{\"id\":\"08Dspd83qb\",\"state\":\"active\",\"sender\":\"\",\"size\":1,\"arrived\":1000000000,"
		"\"next\":null,\"attempts\":0,\"reason\":\"\",\"recipients\":[{\"address\":\"c@x\","
		"\"state\":\"done\"}]}",
		"08Dspd83qb  active   0s     -             0     1  <>                        -                      "
		"   \n" },
	{ print_line, "{\"next\":1}",
		"                     11d13h now           0     0  <>                        -                      "
		"   \n" },
	{ print_line,
		"{\"id\":5,\"state\":null,\"next\":\"soon\",\"recipients\":{},\"reason\":\"a\\u001b[2J\\n"
		"b\\u009bc\\u202e\"}",
		"                     11d13h -             0     0  <>                        -                      "
		"   a?[2J?b?c?\n" },
	{ print_count, "{\"messages\":1}", "retry: 1 message\n" },
	{ print_count, "{\"messages\":0}", "retry: 0 messages\n" },
	{ print_count, "{}", "retry: 0 messages\n" },
	{ print_count, "[]", "retry: 0 messages\n" },
	{ print_count, "{\"messages\":2,\"found\":2}", "retry: 2 messages\n" },
	{ print_count, "{\"messages\":0,\"found\":1}",
		"retry: 0 of 1 message (what is held has to be released first)\n" },
	{ print_release_count, "{\"messages\":1,\"found\":2}",
		"release: 1 of 2 messages (the others are not held)\n" },
	{ print_dry_count, "{\"messages\":0,\"found\":3}",
		"retry: 0 of 3 messages would be concerned; nothing was done (what is held has to be released "
			"first)\n" },
	{ print_dry_count, "{\"messages\":2}", "retry: 2 messages would be concerned; nothing was done\n" },
	{ ctl_print_config, "{\"b\":\"1\",\"a\":\"\",\"c\":5,\"d\\n\":\"x\\ny\"}",
		"b = 1\na = \nc = \nd? = x?y\n" },
	{ ctl_print_config, "[]", "" },
	{ ctl_print_destinations, "[]", "" },
	{ ctl_print_destinations, "{}", "" },
	{ ctl_print_destinations,
		"[{\"transport\":\"lmtp\",\"nexthop\":\"unix:/x\",\"state\":\"dead\",\"connections\":3,\"busy\":2,"
		"\"idle\":1,\"window\":4,\"limit\":20,\"waiting\":5,\"parked\":6,\"last_error\":\"refused\","
		"\"next_probe_seconds\":16.0,"
		"\"sent\":7,\"deferred\":8,\"bounced\":9}]",
		"lmtp:unix:/x\n    dead, tried again within 16s; 3 connections (2 busy, 1 idle), may use 4 now, 20 "
		"at most\n    5 wait in memory, 6 on the disk; 0 sent in the last minute\n    since the start: 7 "
		"sent, 8 deferred, 9 bounced\n    last error: refused\n" },
	{ ctl_print_destination,
		"{\"transport\":\"lmtp\",\"nexthop\":\"x\",\"state\":\"suspended\",\"connections\":1,\"idle\":1,"
		"\"waiting\":1,\"tls\":\"a\",\"note\":\"nothing\\nyet\"}",
		"lmtp:x\n    suspended; 1 connection (0 busy, 1 idle), may use 0 now, 0 at most\n"
		"    1 waits in memory, 0 on the disk; 0 sent in the last minute\n    since the start: 0 sent, 0 "
		"deferred, 0 bounced\n    TLS: a\n    nothing?yet\n" },
	{ ctl_print_destinations, "[{}]",
		":\n    ; 0 connections (0 busy, 0 idle), may use 0 now, 0 at most\n"
		"    0 wait in memory, 0 on the disk; 0 sent in the last minute\n    since the start: 0 sent, 0 "
		"deferred, 0 bounced\n" },
	{ ctl_print_status, "{\"healthy\":false,\"reason\":\"the disk\\nis full\"}",
		"causeway     , uptime 0s\nTROUBLE      the disk?is full\n"
		"queue        0 messages: 0 active, 0 deferred, 0 held, 0 incoming\n"
		"deliveries   since the start: 0 sent, 0 deferred, 0 bounced\n"
		"spool        takes mail in; since the start: 0 files taken, 0 refused; free 0\n" },
	{ ctl_print_status, "{}",
		"causeway     , uptime 0s\nqueue        0 messages: 0 active, 0 deferred, 0 held, 0 incoming\n"
		"deliveries   since the start: 0 sent, 0 deferred, 0 bounced\n"
		"spool        takes mail in; since the start: 0 files taken, 0 refused; free 0\n" },
	{ ctl_print_status,
		"{\"version\":\"1\",\"uptime\":90,\"oldest_seconds\":61.5,\"queue\":{\"total\":1,\"held\":1},"
		"\"spool\":{\"intake_stopped\":true,\"files_taken\":1,\"free_bytes\":1048576},\"couriers\":[{\"pid\":3,"
		"\"in_flight\":4,\"retiring\":true}],"
		"\"processes\":[{\"role\":\"queue\",\"pid\":2,\"sandbox\":\"seccomp\"},{\"role\":\"courier\","
		"\"pid\":3,\"sandbox\":null}]}",
		"causeway     1, uptime 1m\nqueue        1 message: 0 active, 0 deferred, 1 held, 0 incoming; the "
		"oldest is 1m old\ndeliveries   since the start: 0 sent, 0 deferred, 0 bounced\n"
		"spool        INTAKE IS STOPPED until there is more free space; since the start: 1 file taken, 0 "
		"refused; free 1.0M\nqueue        pid 2        sandbox seccomp\ncourier      pid 3        sandbox "
		"not told yet, 4 in flight, ends soon\n" },
	{ print_message, "{\"size\":1}",
		"message   , 1 byte\narrived   1970-01-01 00:00:00, 11d13h ago\nfrom      <>\nstate      after 0 "
		"attempts\n\nrecipients\n" },
	{ print_message, "{}",
		"message   , 0 bytes\narrived   1970-01-01 00:00:00, 11d13h ago\nfrom      <>\nstate      after 0 "
		"attempts\n\nrecipients\n" },
	{ print_message,
		"{\"id\":\"08Dspd83qb\",\"state\":\"deferred\",\"sender\":\"a@x\",\"size\":5,\"arrived\":999000000,"
		"\"next\":1000060000,\"attempts\":1,\"reason\":\"why\",\"recipients\":[{\"address\":\"b@x\","
		"\"state\":\"done\","
		"\"destination\":\"lmtp:y\"},{\"address\":\"long@x\",\"state\":\"deferred\","
		"\"destination\":\"l:y\",\"dsn\":\"4.0.0\","
		"\"text\":\"now\"}],\"history\":[\"in 08Dspd83qb time=999000000 uid=7 size=5 rcpts=2 hops=0 flags=0 "
		"origin=drop\",\"result 08Dspd83qb rcpt=0 status=b when=999001000 dsn=5.1.1 peer=y text=gone\",\"new "
		"kind of\\tline\",5],\"content\":\"a\\n\\u0007b\"}",
		"message   08Dspd83qb, 5 bytes\narrived   1970-01-12 13:30:00, 16m ago\nfrom      <a@x>\n"
		"state     deferred after 1 attempt; next try in 1m (1970-01-12 13:47:40)\nreason    "
		"why\n\nrecipients\n  b@x     bounced   lmtp:y  5.1.1  gone\n  long@x  deferred  l:y     4.0.0  "
		"now\n\nhistory\n  1970-01-12 13:30:00  taken in from user id 7, 2 recipients\n"
		"  1970-01-12 13:30:01  b@x bounced 5.1.1: gone\n"
		"                       new kind of?line\n                       \n\ncontent\n  a\n  ?b\n" },
};

START_TEST(test_shows)
{
	const char *why = "";
	json_t *answer = json_read(shown[_i].json, strlen(shown[_i].json), &why);
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	setenv("TZ", "UTC", 1);
	ck_assert_msg(answer != NULL, "%s: %s", shown[_i].json, why);
	shown[_i].print(out, answer);
	fclose(out);
	ck_assert_str_eq(text, shown[_i].text);
	free(text);
	json_decref(answer);
}
END_TEST

/* Lines of the journal and what is said of them. */
static const struct {
	const char *line, *said;
} events[] = {
	{ "result 08Dspd83qb rcpt=0 status=s when=0 dsn=2.0.0 peer=y text=250 ok",
		"b@x sent 2.0.0: 250 ok" },
	{ "result 08Dspd83qb rcpt=0 status=e when=0 dsn=4.4.7 peer=y text=too old",
		"b@x expired 4.4.7: too old" },
	{ "result 08Dspd83qb rcpt=9 status=f when=0 dsn=2.0.0 peer=y text=", " done 2.0.0: " },
	{ "result 08Dspd83qb rcpt=0 status=d when=0 dsn=4.3.0 peer=a%0Ab text=a\x1b" "b",
		"b@x deferred 4.3.0: a?b" },
	{ "next 08Dspd83qb when=60000 attempts=2",
		"attempt 2 is over; the next one was set for 1970-01-01 00:01:00" },
	{ "hold 08Dspd83qb held=1", "held" },
	{ "hold 08Dspd83qb held=0", "released" },
	{ "suspect 08Dspd83qb count=1", "couriers that died with it: 1" },
	{ "report 08Dspd83qb-1", "a report was made: 08Dspd83qb-1" },
	{ "claim 08Dspd83qb dir=a name=b", "claim 08Dspd83qb dir=a name=b" },
	{ "result nonsense", "result nonsense" },
	{ "result 08Dspd83qb rcpt=-1 status=s", "result 08Dspd83qb rcpt=-1 status=s" },
	{ "", "" },
};

START_TEST(test_says)
{
	const char *why;
	json_t *history = json_array(), *recipients = json_read("[{\"address\":\"b@x\"}]", 19, &why);
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	setenv("TZ", "UTC", 1);
	json_array_append_new(history, json_string(events[_i].line));
	ctl_print_history(out, history, recipients);
	fclose(out);
	ck_assert_msg(
		n > 23 && strncmp(text + 23, events[_i].said, strlen(events[_i].said)) == 0, "%s", text);
	ck_assert_uint_eq(n, 24 + strlen(events[_i].said));
	free(text);
	json_decref(history);
	json_decref(recipients);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "shows", test_shows, UNIT_ROWS(shown), 0 },
		{ "says", test_says, UNIT_ROWS(events), 0 },
	};

	return unit_main("tool/ctl_print", cases, UNIT_ROWS(cases));
}
