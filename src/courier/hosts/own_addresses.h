/* The addresses by which this host gets mail (inet_interfaces, proxy_interfaces): an MX record that leads to
 * one of them is a loop. Ports do not count. */
#ifndef CAUSEWAY_COURIER_OWN_ADDRESSES_H
#define CAUSEWAY_COURIER_OWN_ADDRESSES_H

#include "net/endpoint.h"
#include "net/hosts_file.h"

struct own_addresses;

/* Lists of addresses and host names; inet_interfaces knows "all" and "loopback-only" as well. Names are
 * looked up at once, in the hosts file and then by the system, which may block: before a loop runs. One that
 * is not found is left out, with a warning in the log. */
struct own_addresses *own_addresses_new(const char *inet_interfaces, const char *proxy_interfaces,
	const struct hosts_file *);
void own_addresses_free(struct own_addresses *);

/* NULL has none. */
bool own_addresses_has(const struct own_addresses *, const struct endpoint *);

#endif
