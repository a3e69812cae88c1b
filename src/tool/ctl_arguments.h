/* The command line of causewayctl, turned into requests to the control socket. */
#ifndef CAUSEWAY_TOOL_CTL_ARGUMENTS_H
#define CAUSEWAY_TOOL_CTL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the answer is shown to a person. */
enum ctl_view {
	VIEW_STATUS, VIEW_QUEUE, VIEW_MESSAGE, VIEW_DESTINATIONS, VIEW_CONFIG, VIEW_RELOAD,
	VIEW_COUNT,      /* of messages that were acted on */
	VIEW_DESTINATION, VIEW_EXPLAIN, VIEW_VERIFY, VIEW_TOP, VIEW_MAILQ
};

enum ctl_action { CTL_ASK, CTL_HELP, CTL_VERSION };

struct ctl_command;

struct ctl_arguments {
	enum ctl_action action;
	const char *config_file, *socket;     /* -c and --socket, or NULL; borrowed from argv */
	bool json, dry_run;
	const struct ctl_command *command;    /* ctl_arguments.c's own */
	const char *method;                   /* "GET", "POST" */
	enum ctl_view view;
	int64_t interval;                     /* of top, ms */
	char **targets;                       /* one request each: path and query, encoded */
	size_t count;
	char **operands;                      /* borrowed from argv; one a target if there are several */
};

/* Reads argv, which may be put into another order; false and one line in *why (free() it) if it is no good,
 * which is EX_USAGE. Release in both cases. */
bool ctl_arguments_read(struct ctl_arguments *, int argc, char **argv, char **why);
void ctl_arguments_release(struct ctl_arguments *);

#endif
