#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log_sink.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	TEXT_MAX = 8192,            /* of one value or free text; the peer's longest reply fits */
	LINE_MAX_BYTES = 64 * 1024
};

struct log_entry {
	struct buf tag;             /* NAME/PROCESS[PID] */
	struct buf line;            /* text form: what stands behind the tag */
	json_t *object;             /* JSON form: all of it */
	const char *separator;      /* to put ahead of the next field */
};

/* One process, one log: the lines at hand, kept for their memory. */
static struct {
	struct buf text, line, tag;
	pid_t pid;                  /* of this process, once it was asked for */
	struct log_entry entry;
} the = {
	.text = { .max = LINE_MAX_BYTES },
	.line = { .max = LINE_MAX_BYTES },
	.tag = { .max = LOG_TAG_MAX },
	.entry = { .tag = { .max = LOG_TAG_MAX }, .line = { .max = LINE_MAX_BYTES } },
};

void log_open(const struct log_setup *setup)
{
	log_flush();
	the.pid = 0;
	log_sink_open(setup);
}

static const char *level_word(enum log_level level)
{
	static const char *const words[] = { "", "warning: ", "error: " };

	return words[level];
}

static pid_t own_pid(void)
{
	if (!the.pid)
		the.pid = getpid();
	return the.pid;
}

static const char *own_process(void)
{
	return log_sink_setup()->process ? log_sink_setup()->process : "master";
}

static void print_tag(struct buf *out, const char *process, pid_t pid)
{
	buf_clear(out);
	buf_str(out, log_sink_setup()->name);
	buf_char(out, '/');
	buf_str(out, process);
	buf_char(out, '[');
	buf_signed(out, pid ? pid : own_pid());
	buf_char(out, ']');
}

static void emit(const char *tag, const char *line, enum log_level level)
{
	log_sink_add(tag, line, level);
	if (level != LOG_LEVEL_INFO)
		log_flush();
}

static json_t *json_line(const char *process, pid_t pid, const char *id, enum log_level level)
{
	json_t *o = mem_check(json_object());

	json_object_set_new(o, "time", json_string(log_sink_time()));
	json_object_set_new(o, "host", json_clean(log_sink_setup()->host));
	json_object_set_new(o, "name", json_clean(log_sink_setup()->name));
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
		log_sink_lose(1);
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
	if (!log_sink_setup()->json) {
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

	log_sink_write();
	lost = log_sink_take_lost();
	if (!lost)
		return;
	snprintf(words, sizeof words, "%llu log lines could not be written and are lost", lost);
	put_line(LOG_LEVEL_INFO, own_process(), 0, NULL, words);
	log_sink_write();
	if (log_sink_take_lost())
		log_sink_lose(lost);
}

void log_line(enum log_level level, const char *process, const char *id, const char *format, ...)
{
	va_list args;

	buf_clear(&the.text);
	va_start(args, format);
	buf_vfmt(&the.text, format, args);
	va_end(args);
	put_line(level, process ? process : own_process(), 0, id,
		the.text.over ? "(a line too long to log)" : buf_text(&the.text));
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
	if (log_sink_setup()->json) {
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
