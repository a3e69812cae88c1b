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
#include "tool/ctl_listing.h"
#include "tool/ctl_print.h"
#include "tool/ctl_top.h"
#include "tool/tool_settings.h"

enum { ANSWER_MAX = 256 * 1024 * 1024, SHOWN_MAX = 1000 };

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
	"  verify [--timeout time] address  ask the destination whether it would take mail for it\n"
	"  top [--interval time]        all of it at a glance, again and again; q ends it\n"
	"  mailq                        the queue as Postfix's mailq shows it\n"
	"  config [name]                effective values under their Postfix names\n"
	"  reload                       read the configuration again\n"
	"\n"
	"selectors: --state active|deferred|held|incoming, --to destination, --from sender, --older age,\n"
	"--reason text; with retry, hold, release, delete also --dry-run, which only counts\n"
	"\n"
	"  -c file       configuration file, which says where the control socket is\n"
	"  --socket path the control socket itself: for a daemon whose file is broken\n"
	"  --json        the answer as it comes\n"
	"  --help, --version\n";

/* One question and what is made of its answer. */
struct ask {
	const struct ctl_arguments *a;
	const char *target;
	struct ctl_http *http;
	char **why;
};

/* --- answers ---------------------------------------------------------------------------------- */

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
	case VIEW_VERIFY:
		ctl_print_verify(stdout, answer);
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
	int code = 0;

	if (ask->a->json)
		print_json(body);
	if (ask->a->json && ask->a->view != VIEW_VERIFY)
		return code;
	answer = json_read(buf_text(body), body->len, &complaint);
	if (!answer) {
		*ask->why = mem_fmt("the daemon's answer is %s", complaint);
		return EX_PROTOCOL;
	}
	if (!ask->a->json)
		print_answer(ask, answer);
	if (ask->a->view == VIEW_VERIFY)
		code = ctl_verify_code(answer);
	json_decref(answer);
	return code;
}

/* --- questions -------------------------------------------------------------------------------- */

static int take_body(struct ask *ask)
{
	int status = ctl_http_status(ask->http), code = EX_UNAVAILABLE;
	struct buf body;

	if (status == 200 && (ask->a->view == VIEW_QUEUE || ask->a->view == VIEW_MAILQ))
		return ctl_listing(ask->http, ask->a, ask->why);
	buf_init(&body, ANSWER_MAX);
	if (ctl_http_read_all(ask->http, &body, ask->why))
		code = status == 200 ? take_answer(ask, &body) : take_refusal(ask, &body);
	buf_free(&body);
	return code;
}

static int ask_one(const struct ctl_arguments *a, const char *socket, const char *target, char **why)
{
	struct ask ask = { .a = a, .target = target, .why = why };
	int fd, code;

	if (a->view == VIEW_TOP)
		return ctl_top(a, socket, why);
	fd = ctl_http_connect(socket, why);
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

/* By that name, which scripts look for, it takes no options: those of other mail systems mean nothing
 * here. */
static bool is_mailq(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, "mailq") == 0;
}

int main(int argc, char **argv)
{
	char *mailq[] = { argv[0], (char []){ "mailq" }, NULL };
	bool is_other = argc > 0 && is_mailq(argv[0]);
	struct ctl_arguments a;
	char *why = NULL;
	int code = 0;

	if (!ctl_arguments_read(&a, is_other ? 2 : argc, is_other ? mailq : argv, &why)) {
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
