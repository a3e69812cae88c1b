/* Names and addresses of a file like /etc/hosts (hosts(5)), read once. */
#ifndef CAUSEWAY_NET_HOSTS_FILE_H
#define CAUSEWAY_NET_HOSTS_FILE_H

#include <stddef.h>

#include "net/endpoint.h"

struct hosts_file;

/* A file that is not there is an empty one; lines that are no good are skipped. */
struct hosts_file *hosts_file_read(const char *path);
void hosts_file_free(struct hosts_file *);

/* The addresses of a name (compared without case, a dot at its end does not count), with port 0, in the
 * order of the file; *count may be 0. */
const struct endpoint *hosts_file_find(const struct hosts_file *, const char *name, size_t *count);

#endif
