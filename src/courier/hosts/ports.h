/* Ports by name: those of known_tcp_ports need no file, which a courier cannot always read. */
#ifndef CAUSEWAY_COURIER_PORTS_H
#define CAUSEWAY_COURIER_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* The port that a service stands for: a number, a name of the list known ("lmtp=24, smtps=submissions=465"),
 * or one that the system knows for tcp. False: no such port. */
bool port_find(const char *known, const char *service, uint16_t *port);

/* Whether the list is well formed, without a name that stands in it twice; else a constant complaint. */
bool port_list_check(const char *known, const char **why);

#endif
