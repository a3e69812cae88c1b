/* Peers whose conversation goes to the log (debug_peer_list): a match list (table/match_list.h) of domains,
 * addresses and networks ("192.0.2.0/24", "[2001:db8::]/32"). */
#ifndef CAUSEWAY_COURIER_DEBUG_PEERS_H
#define CAUSEWAY_COURIER_DEBUG_PEERS_H

#include "settings/settings.h"

struct debug_peers;

/* NULL and *why (free() it) if the list is no good. */
struct debug_peers *debug_peers_new(const struct settings *, char **why);
void debug_peers_free(struct debug_peers *);

/* Whether the list has that name or address. A table that cannot be asked is a no. */
bool debug_peers_has(const struct debug_peers *, const char *name);

#endif
