/* tls_loglevel_maps: how much is logged about TLS with one host. */
#ifndef CAUSEWAY_COURIER_TLS_LOGLEVEL_H
#define CAUSEWAY_COURIER_TLS_LOGLEVEL_H

#include <stdbool.h>

#include "table/table.h"

/* The TLS_LOG_… bits of the tables' entry for the host's name, a parent of it (".example.org", and with below
 * "example.org" too), its address, or a beginning of that ("192.0.2"), whichever comes first; usual without
 * an entry, where it says DUNNO, and where a table cannot be asked. */
unsigned tls_loglevel_of(struct table_list *, bool below, const char *name, const char *address,
	unsigned usual);

#endif
