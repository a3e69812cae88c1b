#include "tool/ctl_arguments.h"

#include <ctype.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

enum { SHOWN_MAX = 200, INTERVAL = 2000, INTERVAL_MIN = 100 };   /* bytes; ms */

/* What a command takes besides operands. */
enum { TAKES_SELECTORS = 1, TAKES_DRY_RUN = 2, TAKES_CONTENT = 4, TAKES_INTERVAL = 8, TAKES_TIMEOUT = 16 };

/* What its operands are. */
enum operands {
	OPERANDS_NONE,
	OPERANDS_TAIL,      /* one, which is the end of the path */
	OPERANDS_TAIL_MAYBE,
	OPERANDS_ONE,       /* one, as the parameter "name" */
	OPERANDS_MESSAGES   /* ids, ALL, or selectors */
};

struct ctl_command {
	const char *name, *method, *path;
	enum operands operands;
	unsigned takes;
	enum ctl_view view;
};

static const struct ctl_command commands[] = {
	{ "status", "GET", "/status", OPERANDS_NONE, 0, VIEW_STATUS },
	{ "queue", "GET", "/queue", OPERANDS_NONE, TAKES_SELECTORS, VIEW_QUEUE },
	{ "show", "GET", "/queue", OPERANDS_TAIL, TAKES_CONTENT, VIEW_MESSAGE },
	{ "retry", "POST", "/retry", OPERANDS_MESSAGES, TAKES_SELECTORS | TAKES_DRY_RUN, VIEW_COUNT },
	{ "hold", "POST", "/hold", OPERANDS_MESSAGES, TAKES_SELECTORS | TAKES_DRY_RUN, VIEW_COUNT },
	{ "release", "POST", "/release", OPERANDS_MESSAGES, TAKES_SELECTORS | TAKES_DRY_RUN, VIEW_COUNT },
	{ "delete", "POST", "/delete", OPERANDS_MESSAGES, TAKES_SELECTORS | TAKES_DRY_RUN, VIEW_COUNT },
	{ "destinations", "GET", "/destinations", OPERANDS_NONE, 0, VIEW_DESTINATIONS },
	{ "suspend", "POST", "/suspend", OPERANDS_ONE, 0, VIEW_DESTINATION },
	{ "resume", "POST", "/resume", OPERANDS_ONE, 0, VIEW_DESTINATION },
	{ "explain", "GET", "/explain", OPERANDS_ONE, 0, VIEW_EXPLAIN },
	{ "verify", "GET", "/verify", OPERANDS_ONE, TAKES_TIMEOUT, VIEW_VERIFY },
	{ "top", "GET", "/status", OPERANDS_NONE, TAKES_INTERVAL, VIEW_TOP },
	{ "mailq", "GET", "/queue", OPERANDS_NONE, 0, VIEW_MAILQ },
	{ "reload", "POST", "/reload", OPERANDS_NONE, 0, VIEW_RELOAD },
	{ "config", "GET", "/config", OPERANDS_TAIL_MAYBE, 0, VIEW_CONFIG },
};

enum {
	OPTION_HELP = 256,
	OPTION_VERSION,
	OPTION_JSON,
	OPTION_SOCKET,
	OPTION_DRY_RUN,
	OPTION_CONTENT,
	OPTION_INTERVAL,
	OPTION_TIMEOUT,
	OPTION_SELECTOR
};

/* Selectors come last, and are sent under their own names. */
static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "content", no_argument, NULL, OPTION_CONTENT },
	{ "interval", required_argument, NULL, OPTION_INTERVAL },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "state", required_argument, NULL, OPTION_SELECTOR },
	{ "to", required_argument, NULL, OPTION_SELECTOR },
	{ "from", required_argument, NULL, OPTION_SELECTOR },
	{ "older", required_argument, NULL, OPTION_SELECTOR },
	{ "reason", required_argument, NULL, OPTION_SELECTOR },
	{ NULL, 0, NULL, 0 }
};

/* The command line while it is read. */
struct reading {
	struct ctl_arguments *a;
	struct buf query;          /* selectors, encoded */
	bool content, selects;
	const char *timeout;       /* as it stands in argv, or NULL */
	char **why;
};

static bool refuse(struct reading *r, const char *what, const char *complaint)
{
	char *clean = text_cleaned(what, SHOWN_MAX);

	*r->why = mem_fmt("%s: %s", clean, complaint);
	free(clean);
	return false;
}

/* --- requests --------------------------------------------------------------------------------- */

static void add_encoded(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buf_char(out, *text);
		else
			buf_fmt(out, "%%%02X", (unsigned char)*text);
	}
}

static void add_parameter(struct buf *query, const char *name, const char *value)
{
	if (query->len)
		buf_char(query, '&');
	buf_fmt(query, "%s=", name);
	add_encoded(query, value);
}

/* One request: the command's path, perhaps with more behind it, and the parameters in query. */
static void add_target(struct ctl_arguments *a, const char *tail, const struct buf *query)
{
	struct buf target;

	buf_init(&target, SIZE_MAX);
	buf_str(&target, a->command->path);
	if (tail) {
		buf_char(&target, '/');
		add_encoded(&target, tail);
	}
	if (query->len)
		buf_fmt(&target, "?%s", buf_text(query));
	a->targets = mem_grow(a->targets, a->count + 1, sizeof(*a->targets));
	a->targets[a->count++] = buf_take(&target);
}

/* A request with one parameter ahead of what the options gave. */
static void add_target_of(struct reading *r, const char *name, const char *value)
{
	struct buf query;

	buf_init(&query, SIZE_MAX);
	add_parameter(&query, name, value);
	if (r->query.len)
		buf_fmt(&query, "&%s", buf_text(&r->query));
	add_target(r->a, NULL, &query);
	buf_free(&query);
}

static bool is_all(const char *operand)
{
	return strcmp(operand, "ALL") == 0;
}

/* Ids, each asked for on its own, or ALL, or selectors. */
static bool add_messages(struct reading *r, char **operands)
{
	const char *name = r->a->command->name;
	bool all = *operands && is_all(*operands);

	if (!*operands && !r->selects)
		return refuse(r, name, "name messages by id, by selectors (--to, --from …), or say ALL");
	if (*operands && r->selects)
		return refuse(r, name, "takes ids or ALL, or selectors, not both");
	if (all && operands[1])
		return refuse(r, name, "ALL stands alone");
	if (!*operands)
		add_target(r->a, NULL, &r->query);
	else if (all)
		add_target_of(r, "all", "1");
	for (; !all && *operands; operands++) {
		if (is_all(*operands))
			return refuse(r, name, "ALL stands alone");
		add_target_of(r, "id", *operands);
	}
	return true;
}

static bool add_targets(struct reading *r, char **operands)
{
	const struct ctl_command *command = r->a->command;
	size_t given = 0;

	while (operands[given])
		if (!*operands[given++])
			return refuse(r, command->name, "an operand is empty");
	if (command->operands == OPERANDS_MESSAGES)
		return add_messages(r, operands);
	if (given > (command->operands != OPERANDS_NONE))
		return refuse(r, operands[given - 1], "is one operand too many");
	if (given == 0 && (command->operands == OPERANDS_TAIL || command->operands == OPERANDS_ONE))
		return refuse(r, command->name, "needs an operand");
	if (command->operands == OPERANDS_ONE)
		add_target_of(r, "name", operands[0]);
	else
		add_target(r->a, operands[0], &r->query);
	return true;
}

/* --- options ---------------------------------------------------------------------------------- */

static bool add_selector(struct reading *r, const char *name, const char *value)
{
	int64_t ignored;

	if (strcmp(name, "older") == 0 && !text_duration(text_of(value), &ignored))
		return refuse(r, "--older", "takes a time such as 90s, 10m, 2h, 3d");
	r->selects = true;
	add_parameter(&r->query, name, value);
	return true;
}

static bool read_interval(struct reading *r, const char *value)
{
	if (text_duration(text_of(value), &r->a->interval) && r->a->interval >= INTERVAL_MIN)
		return true;
	return refuse(r, "--interval", "takes a time of at least 100ms");
}

static bool read_timeout(struct reading *r, const char *value)
{
	int64_t ignored;

	r->timeout = value;
	return text_duration(text_of(value), &ignored)
		|| refuse(r, "--timeout", "takes a time such as 500ms, 10s");
}

static bool take_option(struct reading *r, int option, const char *name)
{
	switch (option) {
	case 'c':
		r->a->config_file = optarg;
		return true;
	case OPTION_SOCKET:
		r->a->socket = optarg;
		return true;
	case OPTION_JSON:
		r->a->json = true;
		return true;
	case OPTION_DRY_RUN:
		r->a->dry_run = true;
		return true;
	case OPTION_CONTENT:
		r->content = true;
		return true;
	case OPTION_INTERVAL:
		return read_interval(r, optarg);
	case OPTION_TIMEOUT:
		return read_timeout(r, optarg);
	case OPTION_HELP:
	case OPTION_VERSION:
		r->a->action = option == OPTION_HELP ? CTL_HELP : CTL_VERSION;
		return true;
	default:
		return add_selector(r, name, optarg);
	}
}

static bool take_options(struct reading *r, int argc, char **argv)
{
	int option, index = 0;

	optind = 0;
	opterr = 0;
	while (r->a->action == CTL_ASK &&
		(option = getopt_long(argc, argv, ":c:", long_options, &index)) != -1) {
		if (option == ':')
			return refuse(r, argv[optind - 1], "needs a value");
		if (option == '?')
			return refuse(r, argv[optind - 1],
				"unknown option; causewayctl --help lists what there is");
		if (!take_option(r, option, long_options[index].name))
			return false;
	}
	return true;
}

static const struct ctl_command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Options that were given must be some that the command takes. */
static bool check_options(struct reading *r)
{
	const struct ctl_command *command = r->a->command;

	if (r->selects && !(command->takes & TAKES_SELECTORS))
		return refuse(r, command->name, "takes no selectors");
	if (r->a->dry_run && !(command->takes & TAKES_DRY_RUN))
		return refuse(r, command->name, "takes no --dry-run");
	if (r->content && !(command->takes & TAKES_CONTENT))
		return refuse(r, command->name, "takes no --content");
	if (r->a->interval && !(command->takes & TAKES_INTERVAL))
		return refuse(r, command->name, "takes no --interval");
	if (r->timeout && !(command->takes & TAKES_TIMEOUT))
		return refuse(r, command->name, "takes no --timeout");
	if (!r->a->interval)
		r->a->interval = INTERVAL;
	if (r->a->dry_run)
		add_parameter(&r->query, "dry_run", "1");
	if (r->content)
		add_parameter(&r->query, "content", "1");
	if (r->timeout)
		add_parameter(&r->query, "timeout", r->timeout);
	return true;
}

static bool take_command(struct reading *r, char **words)
{
	struct ctl_arguments *a = r->a;

	if (!*words)
		return refuse(r, "no command", "causewayctl --help lists what there is");
	a->command = find_command(*words);
	if (!a->command)
		return refuse(r, *words, "unknown command; causewayctl --help lists what there is");
	a->method = a->command->method;
	a->view = a->command->view;
	a->operands = words + 1;
	return check_options(r) && add_targets(r, a->operands);
}

bool ctl_arguments_read(struct ctl_arguments *a, int argc, char **argv, char **why)
{
	struct reading r = { .a = a, .why = why };
	bool good;

	*a = (struct ctl_arguments){ .action = CTL_ASK };
	buf_init(&r.query, SIZE_MAX);
	good = take_options(&r, argc, argv) && (a->action != CTL_ASK || take_command(&r, argv + optind));
	buf_free(&r.query);
	return good;
}

void ctl_arguments_release(struct ctl_arguments *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->targets[i]);
	free(a->targets);
}
