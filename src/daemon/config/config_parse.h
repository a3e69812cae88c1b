/* The half of reading the file that runs in a process of its own: libconfuse, and a record of what it
 * saw. */
#ifndef CAUSEWAY_DAEMON_CONFIG_PARSE_H
#define CAUSEWAY_DAEMON_CONFIG_PARSE_H

#include <stddef.h>
#include <stdio.h>

/* The record: fields that end in NUL. "V" place path braces-or-empty count element…, "H" host name, "E"
 * complaint, and "D" at the end of a good one. "U" name ends it at an option that may be a transport's under
 * its top-level name (NAME_option): the file must be parsed anew with that name known. */
enum { CONFIG_VALUE = 'V', CONFIG_HOSTNAME = 'H', CONFIG_ERROR = 'E', CONFIG_UNKNOWN = 'U',
	CONFIG_DONE = 'D' };

/* Bytes that a file with its includes, and its record, may have. */
enum { CONFIG_BYTES_MAX = 16 * 1024 * 1024 };

/* Names that stand at the top level besides those of the option tables. */
struct config_names {
	char **list;
	size_t count;
};

/* Parses fp, which is called file, writes the record to fd, and ends the process. */
_Noreturn void config_parse(const char *file, FILE *fp, const struct config_names *, int fd);

#endif
