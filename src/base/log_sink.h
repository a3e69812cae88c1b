/*
 * Where the log's lines go: standard error, a file, or syslog(3). For all but the last they are collected
 * here and written together. For log.c only.
 */
#ifndef CAUSEWAY_BASE_LOG_SINK_H
#define CAUSEWAY_BASE_LOG_SINK_H

#include "base/log.h"

enum { LOG_TAG_MAX = 256 };   /* bytes of a tag */

/* Lines go there from now on; what was collected and is not written is forgotten. */
void log_sink_open(const struct log_setup *);
/* The setup in force. */
const struct log_setup *log_sink_setup(void);

/* Adds a line, which was cleaned: its tag and what stands behind that. */
void log_sink_add(const char *tag, const char *line, enum log_level);
/* Writes as much as possible of what waits; on an error that will not pass by itself it is counted as
 * lost. */
void log_sink_write(void);

/* Counts lines that are lost. */
void log_sink_lose(unsigned long long lines);
/* How many are lost and were not told of; 0 while lines wait. They count as told. */
unsigned long long log_sink_take_lost(void);

/* RFC 3339 time with microseconds and the local zone; valid until the next call. */
const char *log_sink_time(void);

#endif
