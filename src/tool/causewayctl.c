/* causewayctl(1): asks the daemon on its control socket and shows the answer. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "tool/ctl_arguments.h"
#include "tool/ctl_http.h"
#include "tool/ctl_objects.h"
#include "tool/ctl_print.h"
#include "tool/tool_settings.h"

enum { ANSWER_MAX = 256 * 1024 * 1024, SLICE = 16 * 1024, SHOWN_MAX = 1000 };

static const char help[] =
	"usage: causewayctl [-c file] [--socket path] [--json] command ...\n"
	"\n"
	"  status                       totals, processes, uptime\n"
	"  queue [selectors]            the queue, a line a message\n"
	"  show [--content] id          one message: envelope, recipients, history\n"
	"  retry id ...|ALL|selectors   try messages now\n"
	"  hold id ...|ALL|selectors    keep messages until they are released\n"
	"  release id ...|ALL|selectors let held messages go, and try them now\n"
	"  delete id ...|ALL|selectors  give messages up; nobody is told\n"
	"  destinations                 connections, limits and last error of each\n"
	"  suspend destination          send nothing there until it is resumed\n"
	"  resume destination           send there again\n"
	"  explain address              which way mail for an address takes\n"
	"  config [name]                effective values under their Postfix names\n"
	"  reload                       read the configuration again\n"
	"\n"
	"selectors: --state active|deferred|held|incoming, --to destination, --from sender, --older age,\n"
	"--reason text; with retry, hold, release, delete also\n"
	"--dry-run, which only counts\n"
	"\n"
	"Not in this version of the daemon yet: verify top\n";

/* One question and what is made of its answer. */
struct ask {
	const struct ctl_arguments *a;
	const char *target;
	struct ctl_http *http;
	char **why;
};

/* --- answers ---------------------------------------------------------------------------------- */

static bool read_all(struct ask *ask, struct buf *body)
{
	char bytes[SLICE];
	ssize_t n;

	while ((n = ctl_http_read(ask->http, bytes, sizeof(bytes), ask->why)) > 0) {
		if (!buf_add(body, bytes, (size_t)n)) {
			*ask->why = mem_str("the daemon's answer is too large");
			return false;
		}
	}
	return n == 0;
}

static int exit_code(int status)
{
	switch (status) {
	case 400:
		return EX_USAGE;
	case 409:
		return EX_CONFIG;
	case 404:
	case 501:
	case 503:
		return EX_UNAVAILABLE;
	default:
		return EX_SOFTWARE;
	}
}

/* The daemon refuses: {"error": "why"}. */
static int take_refusal(struct ask *ask, const struct buf *body)
{
	const char *ignored;
	json_t *answer = json_read(buf_text(body), body->len, &ignored);
	const char *error = ctl_text(answer, "error");

	if (*error)
		*ask->why = text_cleaned(error, SHOWN_MAX);
	else
		*ask->why = mem_fmt("the daemon answers with status %d", ctl_http_status(ask->http));
	json_decref(answer);
	return exit_code(ctl_http_status(ask->http));
}

static void print_json(const struct buf *body)
{
	fwrite(buf_text(body), 1, body->len, stdout);
	if (body->len == 0 || body->data[body->len - 1] != '\n')
		putchar('\n');
}

static void print_answer(const struct ask *ask, const json_t *answer)
{
	switch (ask->a->view) {
	case VIEW_STATUS:
		ctl_print_status(stdout, answer);
		break;
	case VIEW_MESSAGE:
		ctl_print_message(stdout, answer, time(NULL));
		break;
	case VIEW_DESTINATIONS:
		ctl_print_destinations(stdout, answer);
		break;
	case VIEW_DESTINATION:
		ctl_print_destination(stdout, answer);
		break;
	case VIEW_EXPLAIN:
		ctl_print_explain(stdout, answer);
		break;
	case VIEW_CONFIG:
		ctl_print_config(stdout, answer);
		break;
	case VIEW_COUNT:
		ctl_print_count(stdout, answer, ask->target, ask->a->dry_run);
		break;
	default:
		puts("the daemon has read its configuration again");
	}
}

static int take_answer(struct ask *ask, const struct buf *body)
{
	const char *complaint;
	json_t *answer;

	if (ask->a->json || ask->a->view == VIEW_PLAIN) {
		print_json(body);
		return 0;
	}
	answer = json_read(buf_text(body), body->len, &complaint);
	if (!answer) {
		*ask->why = mem_fmt("the daemon's answer is %s", complaint);
		return EX_PROTOCOL;
	}
	print_answer(ask, answer);
	json_decref(answer);
	return 0;
}

/* --- listings, which are shown as they come --------------------------------------------------- */

static bool print_object(struct text object, bool first)
{
	const char *ignored;
	json_t *message = json_read(object.p, object.n, &ignored);

	if (!message)
		return false;
	if (first)
		ctl_print_heading(stdout);
	ctl_print_line(stdout, message, time(NULL));
	json_decref(message);
	return true;
}

static bool take_slice(const struct ask *ask, struct ctl_objects *objects, struct text slice,
	uint64_t *count)
{
	struct text object;

	if (ask->a->json)
		fwrite(slice.p, 1, slice.n, stdout);
	while (ctl_objects_next(objects, &slice, &object))
		if (!ask->a->json && !print_object(object, (*count)++ == 0))
			return false;
	return !objects->bad;
}

static int take_listing(struct ask *ask)
{
	struct ctl_objects objects;
	char bytes[SLICE];
	uint64_t count = 0;
	bool good = true;
	ssize_t n = 0;

	ctl_objects_init(&objects);
	while (good && (n = ctl_http_read(ask->http, bytes, sizeof(bytes), ask->why)) > 0)
		good = take_slice(ask, &objects, text_make(bytes, (size_t)n), &count);
	if (good && n == 0 && !objects.closed)
		*ask->why = mem_str("the listing is not complete: the daemon broke off");
	else if (!good)
		*ask->why = mem_str("the listing cannot be read: it is not what a daemon sends");
	else if (n == 0 && count == 0 && !ask->a->json && isatty(STDOUT_FILENO))
		puts("no messages");
	ctl_objects_free(&objects);
	return *ask->why ? EX_UNAVAILABLE : 0;
}

/* --- questions -------------------------------------------------------------------------------- */

static int take_body(struct ask *ask)
{
	int status = ctl_http_status(ask->http), code = EX_UNAVAILABLE;
	struct buf body;

	if (status == 200 && ask->a->view == VIEW_QUEUE)
		return take_listing(ask);
	buf_init(&body, ANSWER_MAX);
	if (read_all(ask, &body))
		code = status == 200 ? take_answer(ask, &body) : take_refusal(ask, &body);
	buf_free(&body);
	return code;
}

static int ask_one(const struct ctl_arguments *a, const char *socket, const char *target, char **why)
{
	struct ask ask = { .a = a, .target = target, .why = why };
	int fd = ctl_http_connect(socket, why), code;

	if (fd < 0)
		return EX_UNAVAILABLE;
	ask.http = ctl_http_ask(fd, a->method, target, why);
	if (!ask.http)
		return EX_UNAVAILABLE;
	code = take_body(&ask);
	ctl_http_free(ask.http);
	return code;
}

/* about is NULL, or one of several things that were asked for. */
static void complain(const char *about, char *why)
{
	char *clean = about ? text_cleaned(about, SHOWN_MAX) : NULL;

	if (why)
		fprintf(stderr, "causewayctl: %s%s%s\n", clean ? clean : "", clean ? ": " : "", why);
	free(clean);
	free(why);
}

/* Asks all that was asked for, and goes on after a refusal; the first failure is the exit code. */
static int ask_all(const struct ctl_arguments *a, const char *socket)
{
	int result = 0;

	for (size_t i = 0; i < a->count; i++) {
		char *why = NULL;
		int code = ask_one(a, socket, a->targets[i], &why);

		complain(a->count > 1 ? a->operands[i] : NULL, why);
		result = result ? result : code;
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return result;
	complain(NULL, mem_str("standard output: cannot be written"));
	return EX_IOERR;
}

static int find_and_ask(const struct ctl_arguments *a)
{
	struct settings *settings;
	char *why = NULL;
	int code;

	if (a->socket)
		return ask_all(a, a->socket);
	settings = tool_settings(a->config_file, &why);
	if (!settings) {
		complain(NULL, mem_fmt("%s (to ask a running daemon all the same, use --socket)", why));
		free(why);
		return EX_CONFIG;
	}
	code = ask_all(a, settings->control_socket);
	settings_free(settings);
	return code;
}

int main(int argc, char **argv)
{
	struct ctl_arguments a;
	char *why = NULL;
	int code = 0;

	if (!ctl_arguments_read(&a, argc, argv, &why)) {
		complain(NULL, why);
		code = EX_USAGE;
	} else if (a.action != CTL_ASK) {
		fputs(a.action == CTL_HELP ? help : "causewayctl " PACKAGE_VERSION "\n", stdout);
	} else {
		code = find_and_ask(&a);
	}
	ctl_arguments_release(&a);
	return code;
}
