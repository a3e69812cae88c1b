/*
 * The log: one event, one line, in the classic form NAME/PROCESS[PID]: ID: text (causeway-admin(7)), or
 * one JSON object. Lines are collected and written together by log_flush (once per turn of the loop);
 * warnings and errors flush at once. Whatever is passed in is cleaned of controls, so that nothing from
 * outside can start or hide a line.
 */
#ifndef CAUSEWAY_BASE_LOG_H
#define CAUSEWAY_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_FILE };
enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

struct log_setup {
	enum log_target target;
	int fd;                /* LOG_TO_FILE: open for appending, owned by the log from now on */
	int facility;          /* LOG_TO_SYSLOG: as in syslog(3) */
	const char *name;      /* first part of the line; borrowed */
	const char *process;   /* what log_line calls this process itself; borrowed; NULL: master */
	const char *host;      /* host name in file lines; borrowed */
	bool json;
};

/* Starts or restarts the log, also in a process that was forked; before the first call lines go to standard
 * error. */
void log_open(const struct log_setup *);

/* Writes what is collected; lines that cannot be written are counted, and the count is logged when it
 * works again. */
void log_flush(void);

/* One line of process (pickup cleanup qmgr lmtp smtp bounce master courier control; NULL: this process
 * itself, for what each of them may say); id NULL: about no message. The text is cleaned as a whole. Warnings
 * and errors get "warning: " or "error: " ahead of the text. */
void log_line(enum log_level, const char *process, const char *id, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* As log_line, of level info, for a process that has no log of its own. */
void log_note(const char *process, pid_t pid, const char *id, const char *text);

/* One line built field by field: text form "ID: name=value, name=value (tail)"; JSON form the same names
 * as members. */
struct log_entry;

/* One entry at a time, no free needed; pid 0: this process; id as in log_line. */
struct log_entry *log_begin(const char *process, pid_t pid, const char *id);
void log_field(struct log_entry *, const char *name, const char *value);      /* name=value, cleaned */
void log_address(struct log_entry *, const char *name, const char *address);  /* name=<address>, cleaned */
/* a member of the JSON form only */
void log_detail(struct log_entry *, const char *name, const char *value);
void log_number(struct log_entry *, const char *name, int64_t value);
/* A number with a fraction, as digits and at most one point; a number in the JSON form. */
void log_decimal(struct log_entry *, const char *name, const char *digits);
void log_blank(struct log_entry *);     /* the next field is set off by a blank instead of ", " */

/* Ends the line; tail: NULL, or text that goes into " (…)" and JSON "text". */
void log_end(struct log_entry *, const char *tail);

#endif
