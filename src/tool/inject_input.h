/* A message as it comes in on a descriptor: its lines, and where it ends. Lines may end in LF or CRLF. */
#ifndef CAUSEWAY_TOOL_INJECT_INPUT_H
#define CAUSEWAY_TOOL_INJECT_INPUT_H

#include <stdbool.h>

#include "base/text.h"

struct inject_input;

/* Reads from fd, which is borrowed; dot_is_text: a line of one dot does not end the message. */
struct inject_input *inject_input_new(int fd, bool dot_is_text);
void inject_input_free(struct inject_input *);

/* A line with its end, or, where a line is longer than 64 KiB, a part of it. */
struct inject_piece {
	struct text t;        /* valid until the next call */
	bool starts_line;
};

/* The next piece; false at the end of the message, or when it cannot be read. */
bool inject_input_next(struct inject_input *, struct inject_piece *);

/* The errno of the read that failed, or 0. */
int inject_input_error(const struct inject_input *);

#endif
