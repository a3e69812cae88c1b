/* The half of reading the file that runs in a process of its own: libconfuse, and a record of what it
 * saw. */
#ifndef CAUSEWAY_DAEMON_CONFIG_PARSE_H
#define CAUSEWAY_DAEMON_CONFIG_PARSE_H

#include <stdio.h>

/* The record: fields that end in NUL. "V" place path braces-or-empty count element…, "H" host name, "E"
 * complaint, and "D" at the end of a good one. */
enum { CONFIG_VALUE = 'V', CONFIG_HOSTNAME = 'H', CONFIG_ERROR = 'E', CONFIG_DONE = 'D' };

/* Bytes that a file with its includes, and its record, may have. */
enum { CONFIG_BYTES_MAX = 16 * 1024 * 1024 };

/* Parses fp, which is called file, writes the record to fd, and ends the process. */
_Noreturn void config_parse(const char *file, FILE *fp, int fd);

#endif
