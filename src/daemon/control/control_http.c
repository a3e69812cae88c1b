#include "daemon/control/control_http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "daemon/control/control_guests.h"

enum {
	BODY_MAX = 64 * 1024,              /* of a request; none of ours has one */
	HEADERS_MAX = 16 * 1024,
	IDLE_SECONDS = 60,
	REPLY_MAX = 256 * 1024 * 1024,
	UNREAD = 1024 * 1024,              /* of a reply: enough for the client to read for a while */
	UNREAD_MAX = 64 * 1024 * 1024,     /* of a reply that the client does not read */
};

struct http_server {
	struct loop *loop;
	struct evhttp *http;
	struct evhttp_bound_socket *bound;
	struct guests *guests;
	void (*handle)(void *arg, struct http_call *);
	void *arg;
};

struct http_call {
	struct evhttp_request *request;
	char *path;
	struct evkeyvalq query;
	size_t elements;
	bool broken;       /* the array is given up */
};

static const struct {
	enum evhttp_cmd_type type;
	const char *name;
} methods[] = {
	{ EVHTTP_REQ_GET, "GET" }, { EVHTTP_REQ_HEAD, "GET" }, { EVHTTP_REQ_POST, "POST" },
	{ EVHTTP_REQ_PUT, "PUT" }, { EVHTTP_REQ_DELETE, "DELETE" }, { EVHTTP_REQ_PATCH, "PATCH" },
	{ EVHTTP_REQ_OPTIONS, "OPTIONS" },
};

static const char *reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 400: return "Bad Request";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 409: return "Conflict";
	case 501: return "Not Implemented";
	case 503: return "Service Unavailable";
	case 504: return "Gateway Timeout";
	default: return "Error";
	}
}

/* --- calls --- */

static void call_free(struct http_call *call)
{
	evhttp_clear_headers(&call->query);
	free(call->path);
	free(call);
}

static void incoming(struct evhttp_request *request, void *arg)
{
	struct http_server *server = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct http_call *call = mem_alloc(sizeof(*call));
	char *decoded = evhttp_uridecode(path && *path ? path : "/", 0, NULL);

	guests_asked(server->guests,
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(request)));
	call->request = request;
	call->path = text_cleaned(decoded ? decoded : "/", 4096);
	free(decoded);
	if (evhttp_parse_query_str(query ? query : "", &call->query) == 0)
		server->handle(server->arg, call);
	else
		http_reply_error(call, 400, "the query after ? cannot be parsed");
}

const char *http_call_method(const struct http_call *call)
{
	enum evhttp_cmd_type type = evhttp_request_get_command(call->request);

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (methods[i].type == type)
			return methods[i].name;
	return "?";
}

const char *http_call_path(const struct http_call *call)
{
	return call->path;
}

const char *http_call_query(const struct http_call *call, const char *name)
{
	return evhttp_find_header(&call->query, name);
}

const char *http_call_unknown(const struct http_call *call, const char *const *names)
{
	const struct evkeyval *pair;

	for (pair = call->query.tqh_first; pair; pair = pair->next.tqe_next) {
		size_t i = 0;

		while (names[i] && strcasecmp(names[i], pair->key) != 0)
			i++;
		if (!names[i])
			return pair->key;
	}
	return NULL;
}

/* --- replies --- */

/* One answer a connection: a guest who has got it makes room for the next one. */
static void add_headers(struct http_call *call, const char *type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);

	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "Connection", "close");
}

/* The length of what a GET would bring (RFC 9110 section 9.3.2). */
static void add_length(struct http_call *call, size_t n)
{
	char length[32];

	snprintf(length, sizeof(length), "%zu", n);
	evhttp_add_header(evhttp_request_get_output_headers(call->request), "Content-Length", length);
}

static void reply(struct http_call *call, int status, const char *type, const char *bytes, size_t n)
{
	struct evbuffer *body = mem_check(evbuffer_new());

	add_headers(call, type);
	if (evhttp_request_get_command(call->request) == EVHTTP_REQ_HEAD)
		add_length(call, n);
	else
		evbuffer_add(body, bytes, n);
	evhttp_send_reply(call->request, status, reason(status), body);
	evbuffer_free(body);
	call_free(call);
}

void http_reply_text(struct http_call *call, const char *type, const char *body, size_t n)
{
	reply(call, 200, type, body, n);
}

void http_reply_json(struct http_call *call, int status, json_t *body)
{
	struct buf out;

	buf_init(&out, REPLY_MAX);
	if (!json_print(body, &out)) {
		buf_clear(&out);
		status = 503;
		buf_str(&out, "{\"error\":\"the answer is too large\"}");
	}
	buf_char(&out, '\n');
	json_decref(body);
	reply(call, status, "application/json", out.data, out.len);
	buf_free(&out);
}

void http_reply_error(struct http_call *call, int status, const char *format, ...)
{
	struct buf text;
	va_list args;
	json_t *body = mem_check(json_object());

	buf_init(&text, 8192);
	va_start(args, format);
	buf_vfmt(&text, format, args);
	va_end(args);
	json_object_set_new(body, "error", json_clean(buf_text(&text)));
	buf_free(&text);
	http_reply_json(call, status, body);
}

void http_array_begin(struct http_call *call)
{
	add_headers(call, "application/json");
	evhttp_send_reply_start(call->request, 200, reason(200));
}

/* Bytes that wait for the client; none if it has gone. */
static size_t unread(const struct http_call *call, bool *gone)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(call->request);
	struct bufferevent *stream = connection ? evhttp_connection_get_bufferevent(connection) : NULL;

	*gone = !stream;
	return stream ? evbuffer_get_length(bufferevent_get_output(stream)) : 0;
}

static bool takes_more(const struct http_call *call)
{
	bool gone;

	return unread(call, &gone) < UNREAD_MAX && !gone;
}

bool http_array_full(const struct http_call *call)
{
	bool gone;

	return unread(call, &gone) >= UNREAD;
}

static void send_chunk(struct http_call *call, const char *text, size_t n)
{
	struct evbuffer *chunk = mem_check(evbuffer_new());

	evbuffer_add(chunk, text, n);
	evhttp_send_reply_chunk(call->request, chunk);
	evbuffer_free(chunk);
}

void http_array_add(struct http_call *call, const json_t *element)
{
	struct buf out;

	call->broken = call->broken || !takes_more(call);
	if (call->broken)
		return;
	buf_init(&out, REPLY_MAX);
	buf_str(&out, call->elements++ ? ",\n" : "[\n");
	if (json_print(element, &out))
		send_chunk(call, out.data, out.len);
	else
		call->broken = true;
	buf_free(&out);
}

void http_array_end(struct http_call *call)
{
	const char *end = call->elements ? "\n]\n" : "[]\n";

	if (!call->broken)
		send_chunk(call, end, strlen(end));
	evhttp_send_reply_end(call->request);
	call_free(call);
}

/* --- the server --- */

static struct bufferevent *welcome(struct event_base *base, void *arg)
{
	const struct http_server *server = arg;

	(void)base;
	return guests_welcome(server->guests);
}

static void open_or_close(void *arg, bool open)
{
	struct http_server *server = arg;
	struct evconnlistener *door = server->bound ? evhttp_bound_socket_get_listener(server->bound) : NULL;

	if (door && open)
		evconnlistener_enable(door);
	else if (door)
		evconnlistener_disable(door);
}

struct http_server *http_server_new(struct loop *loop, void (*handle)(void *arg, struct http_call *),
	void *arg)
{
	struct http_server *server = mem_alloc(sizeof(*server));
	unsigned all = 0;

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		all |= methods[i].type;
	server->loop = loop;
	server->handle = handle;
	server->arg = arg;
	server->guests = guests_new(loop, open_or_close, server);
	server->http = mem_check(evhttp_new(loop_base(loop)));
	evhttp_set_max_headers_size(server->http, HEADERS_MAX);
	evhttp_set_max_body_size(server->http, BODY_MAX);
	evhttp_set_timeout(server->http, IDLE_SECONDS);
	evhttp_set_allowed_methods(server->http, (ev_uint16_t)all);
	evhttp_set_bevcb(server->http, welcome, server);
	evhttp_set_gencb(server->http, incoming, server);
	return server;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	guests_farewell(server->guests);
	evhttp_free(server->http);
	guests_free(server->guests);
	free(server);
}

bool http_server_listen(struct http_server *server, int fd)
{
	if (server->bound)
		evhttp_del_accept_socket(server->http, server->bound);
	evutil_make_socket_nonblocking(fd);
	server->bound = evhttp_accept_socket_with_handle(server->http, fd);
	if (!server->bound)
		close(fd);
	return server->bound;
}
