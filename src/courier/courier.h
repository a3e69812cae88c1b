/* A courier process: takes requests from the queue over its link and carries them to the destinations.
 * Holds no state that matters. */
#ifndef CAUSEWAY_COURIER_COURIER_H
#define CAUSEWAY_COURIER_COURIER_H

#include "settings/settings.h"
#include "net/loop.h"

struct courier;

/*
 * Everything that needs files is opened here (resolver, hosts file, later certificates and tables), so
 * that the caller can close the sandbox afterwards. NULL and *why (free() it) on failure. link_fd: this
 * courier's end of the link, owned from now on. The settings are borrowed.
 */
struct courier *courier_new(struct loop *, const struct settings *, int link_fd, char **why);

/* Grants credits and starts work; the loop ends (loop_stop) when the link has ended or, after a stop
 * message, the last request is over. */
void courier_start(struct courier *);
/* False: threads of a library are still at work, so the process has to end without tidying up. */
bool courier_free(struct courier *);

#endif
