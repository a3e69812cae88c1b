#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	TAG_MAX = 256,
	TEXT_MAX = 8192,            /* of one value or free text; the peer's longest reply fits */
	LINE_MAX_BYTES = 64 * 1024,
	WAITING_MAX = 1024 * 1024,  /* lines collected, or kept while the file cannot be written */
	MICROSECONDS_END = sizeof "2026-11-25T13:30:00.000000" - 1
};

struct log_entry {
	struct buf tag;             /* NAME/PROCESS[PID] */
	struct buf line;            /* text form: what stands behind the tag */
	json_t *object;             /* JSON form: all of it */
	const char *separator;      /* to put ahead of the next field */
};

/* One process, one log: the state behind the functions of this file. */
static struct {
	struct log_setup setup;
	struct buf waiting;
	struct buf text, line, tag; /* of the line at hand, kept for their memory */
	pid_t pid;                  /* of this process, once it was asked for */
	struct log_entry entry;
	unsigned long long lost;    /* lines that could not be written, not yet told */
	bool torn;                  /* the last write ended inside a line */
	time_t second;              /* what stamp holds */
	char stamp[40];
} the = {
	.setup = { .target = LOG_TO_STDERR, .fd = -1, .name = "causeway", .host = "" },
	.waiting = { .max = WAITING_MAX },
	.text = { .max = LINE_MAX_BYTES },
	.line = { .max = LINE_MAX_BYTES },
	.tag = { .max = TAG_MAX },
	.entry = { .tag = { .max = TAG_MAX }, .line = { .max = LINE_MAX_BYTES } },
};

void log_open(const struct log_setup *setup)
{
	log_flush();
	if (the.setup.fd >= 0)
		close(the.setup.fd);
	closelog();
	buf_clear(&the.waiting);
	the.torn = false;
	the.pid = 0;
	the.setup = *setup;
	if (setup->target != LOG_TO_FILE)
		the.setup.fd = -1;
}

static const char *level_word(enum log_level level)
{
	static const char *const words[] = { "", "warning: ", "error: " };

	return words[level];
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

/* RFC 3339 time with microseconds and the local zone; valid until the next call. */
static const char *time_now(void)
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

static pid_t own_pid(void)
{
	if (!the.pid)
		the.pid = getpid();
	return the.pid;
}

static const char *own_process(void)
{
	return the.setup.process ? the.setup.process : "master";
}

static void print_tag(struct buf *out, const char *process, pid_t pid)
{
	buf_clear(out);
	buf_str(out, the.setup.name);
	buf_char(out, '/');
	buf_str(out, process);
	buf_char(out, '[');
	buf_signed(out, pid ? pid : own_pid());
	buf_char(out, ']');
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

/* Writes as much as possible of what waits; on an error that will not pass by itself it is counted as
 * lost. */
static void write_waiting(void)
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
		buf_str(&the.waiting, time_now());
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
	write_waiting();
	if (!fits(tag, line))
		the.lost++;
}

static void send_syslog(const char *tag, const char *line, enum log_level level)
{
	static const int priorities[] = { LOG_INFO, LOG_WARNING, LOG_ERR };
	static char ident[TAG_MAX + 1];   /* syslog(3) keeps the pointer */

	snprintf(ident, sizeof ident, "%s", tag);
	openlog(ident, LOG_NDELAY, the.setup.facility);
	syslog(priorities[level] | the.setup.facility, "%s", line);
}

static void emit(const char *tag, const char *line, enum log_level level)
{
	if (the.setup.target == LOG_TO_SYSLOG) {
		send_syslog(tag, line, level);
		return;
	}
	add_line(tag, line);
	if (level != LOG_LEVEL_INFO)
		log_flush();
}

static json_t *json_line(const char *process, pid_t pid, const char *id, enum log_level level)
{
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "time", json_string(time_now()));
	json_object_set_new(o, "host", json_clean(the.setup.host));
	json_object_set_new(o, "name", json_clean(the.setup.name));
	json_object_set_new(o, "process", json_clean(process));
	json_object_set_new(o, "pid", json_integer(pid ? pid : own_pid()));
	if (id)
		json_object_set_new(o, "id", json_clean(id));
	if (level != LOG_LEVEL_INFO)
		json_object_set_new(o, "level",
			json_string(level == LOG_LEVEL_WARNING ? "warning" : "error"));
	return o;
}

static void emit_json(const char *tag, json_t *o, enum log_level level)
{
	buf_clear(&the.line);
	if (json_print(o, &the.line))
		emit(tag, buf_text(&the.line), level);
	else
		the.lost++;
	json_decref(o);
}

static void emit_text(const char *tag, const char *id, enum log_level level, const char *text)
{
	buf_clear(&the.line);
	if (id) {
		text_clean(text_of(id), TEXT_MAX, &the.line);
		buf_str(&the.line, ": ");
	}
	buf_str(&the.line, level_word(level));
	text_clean(text_of(text), TEXT_MAX, &the.line);
	emit(tag, buf_text(&the.line), level);
}

static void put_line(enum log_level level, const char *process, pid_t pid, const char *id, const char *text)
{
	json_t *o;

	print_tag(&the.tag, process, pid);
	if (!the.setup.json) {
		emit_text(buf_text(&the.tag), id, level, text);
		return;
	}
	o = json_line(process, pid, id, level);
	json_object_set_new(o, "text", json_clean(text));
	emit_json(buf_text(&the.tag), o, level);
}

void log_flush(void)
{
	unsigned long long lost;
	char words[80];

	write_waiting();
	if (!the.lost || the.waiting.len)
		return;
	lost = the.lost;
	the.lost = 0;
	snprintf(words, sizeof words, "%llu log lines could not be written and are lost", lost);
	put_line(LOG_LEVEL_INFO, own_process(), 0, NULL, words);
	write_waiting();
	if (the.lost)
		the.lost = lost;
}

void log_line(enum log_level level, const char *process, const char *id, const char *format, ...)
{
	va_list args;

	buf_clear(&the.text);
	va_start(args, format);
	buf_vfmt(&the.text, format, args);
	va_end(args);
	put_line(level, process ? process : own_process(), 0, id, the.text.over ? "(a line too long to log)" : buf_text(&the.text));
}

void log_note(const char *process, pid_t pid, const char *id, const char *text)
{
	put_line(LOG_LEVEL_INFO, process, pid, id, text);
}

struct log_entry *log_begin(const char *process, pid_t pid, const char *id)
{
	struct log_entry *e = &the.entry;

	assert(!e->separator);
	print_tag(&e->tag, process, pid);
	e->separator = "";
	if (the.setup.json) {
		e->object = json_line(process, pid, id, LOG_LEVEL_INFO);
	} else if (id) {
		text_clean(text_of(id), TEXT_MAX, &e->line);
		buf_str(&e->line, ": ");
	}
	return e;
}

void log_blank(struct log_entry *e)
{
	e->separator = " ";
}

static void field_name(struct log_entry *e, const char *name)
{
	buf_str(&e->line, e->separator);
	buf_str(&e->line, name);
	buf_char(&e->line, '=');
	e->separator = ", ";
}

void log_field(struct log_entry *e, const char *name, const char *value)
{
	if (e->object) {
		json_object_set_new(e->object, name, json_clean(value));
		return;
	}
	field_name(e, name);
	text_clean(text_of(value), TEXT_MAX, &e->line);
}

/* A bracket inside the address would end the field early for whoever reads the log. */
void log_address(struct log_entry *e, const char *name, const char *address)
{
	size_t start;

	if (e->object) {
		json_object_set_new(e->object, name, json_clean(address));
		return;
	}
	field_name(e, name);
	buf_char(&e->line, '<');
	start = e->line.len;
	text_clean(text_of(address), TEXT_MAX, &e->line);
	for (size_t i = start; i < e->line.len; i++)
		if (e->line.data[i] == '<' || e->line.data[i] == '>')
			e->line.data[i] = '?';
	buf_char(&e->line, '>');
}

void log_detail(struct log_entry *e, const char *name, const char *value)
{
	if (e->object)
		json_object_set_new(e->object, name, json_clean(value));
}

void log_number(struct log_entry *e, const char *name, int64_t value)
{
	if (e->object) {
		json_object_set_new(e->object, name, json_integer(value));
		return;
	}
	field_name(e, name);
	buf_signed(&e->line, value);
}

void log_decimal(struct log_entry *e, const char *name, const char *digits)
{
	if (!e->object)
		log_field(e, name, digits);
	else if (strchr(digits, '.'))
		json_object_set_new(e->object, name, json_real(strtod(digits, NULL)));
	else
		json_object_set_new(e->object, name, json_integer(strtoll(digits, NULL, 10)));
}

static void end_text(struct log_entry *e, const char *tail)
{
	if (tail) {
		buf_str(&e->line, " (");
		text_clean(text_of(tail), TEXT_MAX, &e->line);
		buf_char(&e->line, ')');
	}
	emit(buf_text(&e->tag), buf_text(&e->line), LOG_LEVEL_INFO);
	buf_clear(&e->line);
}

void log_end(struct log_entry *e, const char *tail)
{
	if (!e->object) {
		end_text(e, tail);
	} else {
		if (tail)
			json_object_set_new(e->object, "text", json_clean(tail));
		emit_json(buf_text(&e->tag), e->object, LOG_LEVEL_INFO);
		e->object = NULL;
	}
	e->separator = NULL;
}
