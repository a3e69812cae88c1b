/*
 * One drop file on its way: it grows in drop/tmp under a random name that nobody else knows, and is renamed
 * into drop/new when it is complete and on the disk. A signal that ends the program removes what is
 * unfinished. One at a time.
 */
#ifndef CAUSEWAY_TOOL_INJECT_DROP_H
#define CAUSEWAY_TOOL_INJECT_DROP_H

#include <stdbool.h>

#include "base/text.h"

struct inject_drop;

/* Begins a file below the spool directory. Here and below: on failure NULL or false, and "PATH: what" in
 * *why (free() it). */
struct inject_drop *inject_drop_new(const char *spool, char **why);

/* Removes the file unless it was handed over. */
void inject_drop_free(struct inject_drop *);

/* Appends to the file. */
bool inject_drop_write(struct inject_drop *, struct text, char **why);

/* Puts front in the place of the first old bytes of the file (old <= front.n), moving what follows. */
bool inject_drop_replace_front(struct inject_drop *, size_t old, struct text front, char **why);

/* Syncs the file, renames it into drop/new and syncs it again, which makes the rename last. False: *why, and
 * nothing was handed over, unless it says that it was. */
bool inject_drop_commit(struct inject_drop *, char **why);

/* The file's name in drop/new. */
const char *inject_drop_name(const struct inject_drop *);

/* Removes the file from drop/new again; false if the daemon has taken it already. */
bool inject_drop_withdraw(struct inject_drop *);

#endif
