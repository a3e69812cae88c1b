/* One request to the control socket and its answer: a blocking HTTP/1.1 client that knows what is needed for
 * that (RFC 9112). */
#ifndef CAUSEWAY_TOOL_CTL_HTTP_H
#define CAUSEWAY_TOOL_CTL_HTTP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

struct ctl_http;

/* A connected stream socket, or -1 and one line in *why (free() it) that names the path. */
int ctl_http_connect(const char *path, char **why);

/* Sends the request on fd, which is owned from now on, and reads the head of the answer. NULL and *why as
 * above if there is none. */
struct ctl_http *ctl_http_ask(int fd, const char *method, const char *target, char **why);
void ctl_http_free(struct ctl_http *);

/* The status code of the answer, 200 for a good one. */
int ctl_http_status(const struct ctl_http *);

/* The next bytes of the body, at most n; 0 at its end; -1 and *why if it breaks off or does not come. */
ssize_t ctl_http_read(struct ctl_http *, char *bytes, size_t n, char **why);

/* All of the body behind what is in the buffer; false and *why as above, also if it does not fit. */
bool ctl_http_read_all(struct ctl_http *, struct buf *body, char **why);

#endif
