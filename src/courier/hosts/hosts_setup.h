/* What all searches for hosts of a courier share: the resolver, the hosts file, our own addresses, and what
 * is remembered. Opened before the sandbox closes. */
#ifndef CAUSEWAY_COURIER_HOSTS_SETUP_H
#define CAUSEWAY_COURIER_HOSTS_SETUP_H

#include "courier/hosts/dead_addresses.h"
#include "courier/hosts/dnssec_probe.h"
#include "courier/hosts/own_addresses.h"
#include "net/hosts_file.h"
#include "net/resolver.h"
#include "settings/settings.h"

struct hosts_setup {
	struct loop *loop;
	const struct settings *settings;
	struct resolver *resolver;
	struct hosts_file *hosts_file;
	struct own_addresses *own;
	struct dead_addresses *dead;
	struct dnssec_probe *probe;
	char *search;                    /* list of domains that complete short names; the local one first */
	bool ipv4, ipv6, ipv6_first;     /* families that are wanted */
};

/* False and *why (free() it) if something cannot be opened; to be closed in any case. The link is that to the
 * queue process; it and the settings are borrowed. */
bool hosts_setup_open(struct hosts_setup *, struct loop *, struct link *, const struct settings *,
	char **why);
void hosts_setup_close(struct hosts_setup *);

#endif
