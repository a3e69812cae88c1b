/* What libunbound has to know before the first question: servers, trust anchors, and which of its own answers
 * are not wanted. */
#ifndef CAUSEWAY_NET_RESOLVER_CONTEXT_H
#define CAUSEWAY_NET_RESOLVER_CONTEXT_H

#include "net/resolver.h"

struct ub_ctx;

/* A context on the loop that has read its files; NULL and *why (free() it) on failure. */
struct ub_ctx *resolver_context_new(struct loop *, const struct resolver_setup *, char **why);
void resolver_context_free(struct ub_ctx *);

#endif
