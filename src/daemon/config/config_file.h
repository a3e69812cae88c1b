/*
 * The configuration file as libconfuse reads it: which options stand where, with values as they were
 * written. The file is read in a child process of its own, because the library's scanner keeps its state
 * after an error and ends the process on some: a bad file must not hurt a running daemon.
 */
#ifndef CAUSEWAY_DAEMON_CONFIG_FILE_H
#define CAUSEWAY_DAEMON_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct config_entry {
	char *place;         /* "FILE:LINE" */
	/* "section.title.name", or a Postfix name from the top level; name "" for a titled section itself */
	char *path;
	char **elements;     /* what stood in braces, or the one value */
	size_t count;
	bool braces;
	size_t checks;       /* config_parse.c's own */
};

struct config_entries {
	struct config_entry *list;
	size_t count;
	char *hostname;      /* this host's full name as far as the system knows it */
};

/* Reads the file and what it includes; false and "FILE:LINE: what" in *why (free() it). */
bool config_file_read(const char *file, struct config_entries *, char **why);
void config_entries_free(struct config_entries *);

/* Appends an entry without elements, whose strings it takes; valid until the next one. Adds an element to
 * it (copied). */
struct config_entry *config_entries_new(struct config_entries *, char *place, char *path);
void config_entry_add(struct config_entry *, const char *value);

/* Appends an entry with one value (for overrides from the command line); the strings are copied. */
void config_entries_add(struct config_entries *, const char *place, const char *path, const char *value);

#endif
