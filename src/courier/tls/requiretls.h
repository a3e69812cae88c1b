/*
 * requiretls_policy: how strictly a request for REQUIRETLS is applied to a nexthop; a list of actions and of
 * tables that give one.
 */
#ifndef CAUSEWAY_COURIER_REQUIRETLS_H
#define CAUSEWAY_COURIER_REQUIRETLS_H

#include "talk/requiretls.h"

struct requiretls_policy;

/* Opens the tables of the list; NULL and *why (free() it) if something of it makes no sense. */
struct requiretls_policy *requiretls_policy_open(const char *list, char **why);
void requiretls_policy_free(struct requiretls_policy *);

/* The action for a nexthop without brackets and service: the first that the list gives, REQUIRETLS_ENFORCE if
 * it gives none. REQUIRETLS_ERROR comes with *why (free() it). */
enum requiretls requiretls_policy_find(struct requiretls_policy *, const char *nexthop, char **why);

#endif
