/*
 * The command line of causeway-inject, also under the name sendmail: then recipients are lists as in a
 * header field, and the flags that other implementations of sendmail have are taken and ignored.
 */
#ifndef CAUSEWAY_TOOL_INJECT_ARGUMENTS_H
#define CAUSEWAY_TOOL_INJECT_ARGUMENTS_H

#include <stdbool.h>

#include "base/map.h"
#include "format/smtp/envelope.h"

enum inject_action { INJECT_MESSAGE, INJECT_HELP, INJECT_VERSION };

struct inject_arguments {
	enum inject_action action;
	bool as_sendmail;
	bool from_header;          /* -t: recipients are in the header too */
	bool dot_is_text;          /* -i: a line of one dot does not end the message */
	bool sender_given;         /* else the envelope's sender is still empty */
	const char *full_name;     /* -F, or NULL; borrowed from argv like the next */
	const char *config_file;   /* -c, or NULL */
	int64_t wait_ms;           /* --wait: for the outcome; 0: not asked for */
	unsigned notify;           /* -N, for every recipient */
	struct envelope *envelope; /* sender, RET, ENVID, BODY and the recipients of the command line */
	struct map *known;         /* the recipients' addresses */
};

/* Reads argv; false and one line in *why (free() it) if it is no good, which is EX_USAGE. Release in both
 * cases. */
bool inject_arguments_read(struct inject_arguments *, int argc, char **argv, char **why);
void inject_arguments_release(struct inject_arguments *);

/* Adds a recipient in wire form to the envelope, unless it is there. */
void inject_arguments_add(struct inject_arguments *, const char *address);

#endif
