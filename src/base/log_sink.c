#include "base/log_sink.h"

#include <errno.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

enum {
	WAITING_MAX = 1024 * 1024,  /* lines collected, or kept while the file cannot be written */
	MICROSECONDS_END = sizeof "2026-11-25T13:30:00.000000" - 1
};

/* One process, one log: the state behind the functions of this file. */
static struct {
	struct log_setup setup;
	struct buf waiting;
	unsigned long long lost;    /* lines that could not be written, not yet told */
	bool torn;                  /* the last write ended inside a line */
	time_t second;              /* what stamp holds */
	char stamp[40];
} the = {
	.setup = { .target = LOG_TO_STDERR, .fd = -1, .name = "causeway", .host = "" },
	.waiting = { .max = WAITING_MAX },
};

void log_sink_open(const struct log_setup *setup)
{
	if (the.setup.fd >= 0)
		close(the.setup.fd);
	closelog();
	buf_clear(&the.waiting);
	the.torn = false;
	the.setup = *setup;
	if (setup->target != LOG_TO_FILE)
		the.setup.fd = -1;
}

const struct log_setup *log_sink_setup(void)
{
	return &the.setup;
}

/* Brings the stamp up to this second: "2026-11-25T13:30:00.000000+01:00". */
static void stamp_second(time_t second)
{
	char zone[8];
	struct tm tm;

	if (second == the.second && the.stamp[0])
		return;
	the.second = second;
	localtime_r(&second, &tm);
	strftime(the.stamp, sizeof the.stamp, "%Y-%m-%dT%H:%M:%S.000000", &tm);
	strftime(zone, sizeof zone, "%z", &tm);
	snprintf(the.stamp + MICROSECONDS_END, sizeof the.stamp - MICROSECONDS_END, "%.3s:%.2s", zone, zone + 3);
}

const char *log_sink_time(void)
{
	struct timespec now;
	long rest;

	clock_gettime(CLOCK_REALTIME, &now);
	stamp_second(now.tv_sec);
	rest = now.tv_nsec / 1000;
	for (int i = 1; i <= 6; i++, rest /= 10)
		the.stamp[MICROSECONDS_END - i] = (char)('0' + rest % 10);
	return the.stamp;
}

static int descriptor(void)
{
	return the.setup.target == LOG_TO_FILE ? the.setup.fd : STDERR_FILENO;
}

static unsigned long long count_lines(struct text t)
{
	struct text line;
	unsigned long long n = 0;

	while (text_until(&t, '\n', &line))
		n++;
	return n;
}

void log_sink_write(void)
{
	while (the.waiting.len) {
		ssize_t n = write(descriptor(), the.waiting.data, the.waiting.len);

		if (n > 0) {
			the.torn = the.waiting.data[n - 1] != '\n';
			buf_drop(&the.waiting, (size_t)n);
		} else if (n < 0 && errno == EAGAIN) {
			return;
		} else if (n == 0 || errno != EINTR) {
			the.lost += count_lines(text_make(the.waiting.data, the.waiting.len));
			buf_clear(&the.waiting);
		}
	}
}

static void add_start(const char *tag)
{
	if (the.setup.json)
		return;
	if (the.setup.target == LOG_TO_FILE) {
		buf_str(&the.waiting, log_sink_time());
		buf_char(&the.waiting, ' ');
		buf_str(&the.waiting, the.setup.host);
		buf_char(&the.waiting, ' ');
	}
	buf_str(&the.waiting, tag);
	buf_str(&the.waiting, ": ");
}

/* False, and nothing is added, if it does not fit. */
static bool fits(const char *tag, const char *line)
{
	size_t before = the.waiting.len;

	if (the.torn && before == 0)
		buf_char(&the.waiting, '\n');
	add_start(tag);
	buf_str(&the.waiting, line);
	buf_char(&the.waiting, '\n');
	if (!the.waiting.over)
		return true;
	the.waiting.over = false;
	the.waiting.len = before;
	return false;
}

static void add_line(const char *tag, const char *line)
{
	if (fits(tag, line))
		return;
	log_sink_write();
	if (!fits(tag, line))
		the.lost++;
}

static void send_syslog(const char *tag, const char *line, enum log_level level)
{
	static const int priorities[] = { LOG_INFO, LOG_WARNING, LOG_ERR };
	static char ident[LOG_TAG_MAX + 1];   /* syslog(3) keeps the pointer */

	snprintf(ident, sizeof ident, "%s", tag);
	openlog(ident, LOG_NDELAY, the.setup.facility);
	syslog(priorities[level] | the.setup.facility, "%s", line);
}

void log_sink_add(const char *tag, const char *line, enum log_level level)
{
	if (the.setup.target == LOG_TO_SYSLOG)
		send_syslog(tag, line, level);
	else
		add_line(tag, line);
}

void log_sink_lose(unsigned long long lines)
{
	the.lost += lines;
}

unsigned long long log_sink_take_lost(void)
{
	unsigned long long lost = the.waiting.len ? 0 : the.lost;

	the.lost -= lost;
	return lost;
}
