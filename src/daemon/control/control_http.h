/* A small HTTP server (libevent's evhttp) that speaks JSON: requests come in as calls, each of which is
 * answered once, now or later. */
#ifndef CAUSEWAY_DAEMON_CONTROL_HTTP_H
#define CAUSEWAY_DAEMON_CONTROL_HTTP_H

#include <stdbool.h>

#include "base/json.h"
#include "net/loop.h"

struct http_server;
struct http_call;

/* handle(arg, call) is called for each request; it answers, at once or later. */
struct http_server *http_server_new(struct loop *, void (*handle)(void *arg, struct http_call *), void *arg);
void http_server_free(struct http_server *);

/* Serves a listening socket instead of the one before; owns it. False if that cannot be. */
bool http_server_listen(struct http_server *, int fd);

/* "GET", "POST" …; HEAD is GET, of which only the head is sent. */
const char *http_call_method(const struct http_call *);
const char *http_call_path(const struct http_call *);     /* decoded, begins with / */
/* The decoded value of a parameter of the query, or NULL. */
const char *http_call_query(const struct http_call *, const char *name);
/* The first parameter that is not in names (NULL-terminated), or NULL. */
const char *http_call_unknown(const struct http_call *, const char *const *names);

/* Each of these answers the call, and ends it. */
void http_reply_json(struct http_call *, int status, json_t *body);      /* takes the reference */
void http_reply_text(struct http_call *, const char *type, const char *body, size_t n);
void http_reply_error(struct http_call *, int status, const char *format, ...) __attribute__((format(printf,
	3, 4)));

/* A JSON array whose elements come one by one; http_array_end ends the call. Elements are dropped if the
 * client is gone or does not read (then the array is not closed, so that it cannot be taken for whole). */
void http_array_begin(struct http_call *);
void http_array_add(struct http_call *, const json_t *element);
/* Whether the client has not read yet what was added: then it is better to wait before more is. */
bool http_array_full(const struct http_call *);
void http_array_end(struct http_call *);

#endif
