/* Peers whose conversation goes to the log (debug_peer_list): domains with their sub-domains, addresses, networks
 * ("192.0.2.0/24", "[2001:db8::]/32"), and tables of these. */
#ifndef CAUSEWAY_COURIER_DEBUG_PEERS_H
#define CAUSEWAY_COURIER_DEBUG_PEERS_H

#include <stdbool.h>

struct debug_peers;

/* NULL and *why (free() it) if the list is no good. */
struct debug_peers *debug_peers_new(const char *list, char **why);
void debug_peers_free(struct debug_peers *);

/* Whether the list has that name or address. A table that cannot be asked is a no. */
bool debug_peers_has(const struct debug_peers *, const char *name);

#endif
