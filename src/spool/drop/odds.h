/*
 * What is known of names in a drop directory that are not simply taken: files that may not be finished or
 * cannot be claimed, and directories. Some of them rest, and are given again when their time has come.
 * Remembers a bounded number of names.
 */
#ifndef CAUSEWAY_SPOOL_ODDS_H
#define CAUSEWAY_SPOOL_ODDS_H

#include "spool/drop/drop.h"

struct odds;

/* The source is borrowed. */
struct odds *odds_new(struct loop *, const struct source *);
void odds_free(struct odds *);

/* The name cannot be claimed: it rests for a while that grows. Returns whether this is news. */
bool odds_stuck(struct odds *, const char *name);
/* The file looks like this: it rests until it has not changed for the source's settle_ms. */
void odds_settling(struct odds *, const char *name, const struct stat *now);
/* Its owner has enough messages: it rests. False: it cannot be remembered. */
bool odds_full(struct odds *, const char *name);
/* It is a directory. Returns whether this is news. */
bool odds_directory(struct odds *, const char *name);
/* The name came up in a pickup directory, and rests until it is known whether somebody opens it
 * (odds_opened). */
void odds_appeared(struct odds *, const char *name);
void odds_opened(struct odds *, const char *name);
/* Nothing special is known of it any more. */
void odds_forget(struct odds *, const char *name);

/* It rests, and its time has not come. */
bool odds_rests(const struct odds *, const char *name);
/* Adds what is known of the name to the hint. */
void odds_hint(struct odds *, const char *name, struct drop_hint *);

/* Calls give(arg, name) for each name whose time has come. */
void odds_give(struct odds *, void (*give)(void *arg, const char *name), void *arg);
/* Some name rests. */
bool odds_any(const struct odds *);

#endif
