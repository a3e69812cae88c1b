#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"

static int reading;

/* Sends the log into a pipe. */
static void open_pipe(bool json)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	reading = fds[0];
	log_open(&(struct log_setup){ .target = LOG_TO_FILE, .fd = fds[1], .name = "postfix", .host = "mail",
	  .json = json });
}

/* What was written since, as a string. */
static const char *written(void)
{
	static char bytes[65536];
	ssize_t n;

	log_flush();
	n = read(reading, bytes, sizeof bytes - 1);
	bytes[n > 0 ? n : 0] = '\0';
	return bytes;
}

/* The line behind its time: "2026-11-25T13:30:00.123456+00:00 ". */
static const char *after_time(const char *line)
{
	ck_assert_uint_gt(strlen(line), 33);
	ck_assert_int_eq(line[10], 'T');
	ck_assert_int_eq(line[19], '.');
	ck_assert_int_eq(line[32], ' ');
	return line + 33;
}

static void deliver(const char *address, const char *tail)
{
	struct log_entry *e = log_begin("lmtp", 9, "3kQ9Xb2mT1");

	log_address(e, "to", address);
	log_field(e, "relay", "mx[/run/lmtp]");
	log_number(e, "conn_use", 4);
	log_field(e, "status", "sent");
	log_end(e, tail);
}

static const struct { const char *address, *tail, *out; } entries[] = {
	{ "b@example.org", "250 OK",
	  "to=<b@example.org>, relay=mx[/run/lmtp], conn_use=4, status=sent (250 OK)\n" },
	{ "b@example.org", NULL, "to=<b@example.org>, relay=mx[/run/lmtp], conn_use=4, status=sent\n" },
	{ "gr\xc3\xbcn@x", "", "to=<gr\xc3\xbcn@x>, relay=mx[/run/lmtp], conn_use=4, status=sent ()\n" },
	{ "a\nb@x", "1\r\n2", "to=<a?b@x>, relay=mx[/run/lmtp], conn_use=4, status=sent (1??2)\n" },
	{ "\"a>, status=sent (x\"@y", NULL,
	  "to=<\"a?, status=sent (x\"@y>, relay=mx[/run/lmtp], conn_use=4, status=sent\n" },
	{ "\xff", "\x1b[2J", "to=<?>, relay=mx[/run/lmtp], conn_use=4, status=sent (?[2J)\n" },
};

START_TEST(test_entry)
{
	char expected[300];

	open_pipe(false);
	deliver(entries[_i].address, entries[_i].tail);
	snprintf(expected, sizeof expected, "mail postfix/lmtp[9]: 3kQ9Xb2mT1: %s", entries[_i].out);
	ck_assert_str_eq(after_time(written()), expected);
}
END_TEST

START_TEST(test_blank)
{
	struct log_entry *e;

	open_pipe(false);
	e = log_begin("pickup", 7, "ID");
	log_number(e, "uid", 1000);
	log_decimal(e, "delay", "0.06");
	log_blank(e);
	log_address(e, "from", "");
	log_end(e, NULL);
	ck_assert_str_eq(after_time(written()), "mail postfix/pickup[7]: ID: uid=1000, delay=0.06 from=<>\n");
}
END_TEST

static const struct { enum log_level level; const char *id, *text, *out; } lines[] = {
	{ LOG_LEVEL_INFO, "ID", "removed", "ID: removed\n" }, { LOG_LEVEL_INFO, NULL, "x", "x\n" },
	{ LOG_LEVEL_WARNING, NULL, "disk is slow", "warning: disk is slow\n" },
	{ LOG_LEVEL_ERROR, "ID", "gone", "ID: error: gone\n" },
	{ LOG_LEVEL_INFO, "I\nD", "a\nb", "I?D: a?b\n" },
};

START_TEST(test_line)
{
	char expected[300];

	open_pipe(false);
	log_line(lines[_i].level, "qmgr", lines[_i].id, "%s", lines[_i].text);
	snprintf(expected, sizeof expected, "mail postfix/qmgr[%ld]: %s", (long)getpid(), lines[_i].out);
	ck_assert_str_eq(after_time(written()), expected);
}
END_TEST

START_TEST(test_json)
{
	const char *why, *out;
	json_t *o;

	open_pipe(true);
	deliver("\"a\n\"@x", "250 OK");
	out = written();
	o = json_read(out, strlen(out), &why);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(json_string_value(json_object_get(o, "process")), "lmtp");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "pid")), 9);
	ck_assert_str_eq(json_string_value(json_object_get(o, "id")), "3kQ9Xb2mT1");
	ck_assert_str_eq(json_string_value(json_object_get(o, "to")), "\"a?\"@x");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "conn_use")), 4);
	ck_assert_str_eq(json_string_value(json_object_get(o, "status")), "sent");
	ck_assert_str_eq(json_string_value(json_object_get(o, "text")), "250 OK");
	json_decref(o);
}
END_TEST

static const struct { const char *digits, *out; } decimals[] = {
	{ "0", "\"delay\":0}\n" }, { "12", "\"delay\":12}\n" }, { "0.06", "\"delay\":0.06}\n" },
	{ "1.5", "\"delay\":1.5}\n" }, { "86400.123", "\"delay\":86400.123}\n" },
};

START_TEST(test_json_decimal)
{
	struct log_entry *e;

	open_pipe(true);
	e = log_begin("lmtp", 9, NULL);
	log_decimal(e, "delay", decimals[_i].digits);
	log_end(e, NULL);
	ck_assert_str_eq(strstr(written(), "\"delay\""), decimals[_i].out);
}
END_TEST

START_TEST(test_waits_for_flush)
{
	char bytes[10];

	open_pipe(false);
	log_line(LOG_LEVEL_INFO, "qmgr", NULL, "first");
	ck_assert_int_eq(read(reading, bytes, sizeof bytes), -1);
	log_line(LOG_LEVEL_WARNING, "qmgr", NULL, "second");
	ck_assert_int_eq(read(reading, bytes, sizeof bytes), sizeof bytes);
}
END_TEST

/* A pipe nobody empties: lines are kept up to a ceiling, then counted; no line is ever torn or joined to
 * another. */
START_TEST(test_full)
{
	char *all = calloc(1, 8 << 20);
	size_t len = 0, lines_seen = 0;
	unsigned long long lost = 0;

	open_pipe(false);
	for (int i = 0; i < 30000; i++) {
		log_line(LOG_LEVEL_INFO, "qmgr", NULL, "line number %d of many", i);
		log_flush();
	}
	for (int i = 0; i < 400; i++) {
		const char *part = written();

		memcpy(all + len, part, strlen(part));
		len += strlen(part);
	}
	for (char *at = all, *lf; (lf = strchr(at, '\n')); at = lf + 1, lines_seen++) {
		*lf = '\0';
		ck_assert_ptr_nonnull(strstr(after_time(at), "mail postfix/"));
		if (strstr(at, "could not be written"))
			lost = strtoull(strstr(at, "]: ") + 3, NULL, 10);
	}
	ck_assert_uint_gt(lost, 0);
	ck_assert_uint_eq(lines_seen - 1 + lost, 30000);
	free(all);
}
END_TEST

/* What any process may log goes under the name of the one that it is. */
START_TEST(test_own_name)
{
	static const char *const names[] = { NULL, "courier" }, *const shown[] = { "n/master[", "n/courier[" };
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	reading = fds[0];
	log_open(&(struct log_setup){ .target = LOG_TO_FILE, .fd = fds[1], .name = "n", .host = "h",
	  .process = names[_i] });
	log_line(LOG_LEVEL_INFO, NULL, NULL, "x");
	ck_assert_ptr_nonnull(strstr(written(), shown[_i]));
}
END_TEST

START_TEST(test_broken)
{
	open_pipe(false);
	log_open(&(struct log_setup){ .target = LOG_TO_FILE, .fd = open("/dev/full", O_WRONLY | O_CLOEXEC),
	  .name = "n", .host = "h" });
	for (int i = 0; i < 3; i++) {
		log_line(LOG_LEVEL_INFO, "qmgr", NULL, "x");
		log_flush();
	}
	open_pipe(false);
	ck_assert_ptr_nonnull(strstr(written(), ": 3 log lines could not be written"));
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "writes entries", test_entry, UNIT_ROWS(entries), 0 },
		{ "sets a field off by a blank", test_blank, 1, 0 },
		{ "writes lines", test_line, UNIT_ROWS(lines), 0 },
		{ "writes JSON", test_json, 1, 0 },
		{ "decimals in JSON are numbers", test_json_decimal, UNIT_ROWS(decimals), 0 },
		{ "its own name", test_own_name, 2, 0 },
		{ "collects until flushed", test_waits_for_flush, 1, 0 },
		{ "counts what does not fit", test_full, 1, 0 },
		{ "counts what cannot be written", test_broken, 1, 0 },
	};

	return unit_main("base/log", cases, UNIT_ROWS(cases));
}
