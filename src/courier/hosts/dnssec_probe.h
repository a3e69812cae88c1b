/*
 * dnssec_probe: when a transport wants validated answers (dns_support_level = dnssec) and none has come yet,
 * one question whose answer should be signed shows whether validation works at all. It changes nothing but
 * the log.
 */
#ifndef CAUSEWAY_COURIER_DNSSEC_PROBE_H
#define CAUSEWAY_COURIER_DNSSEC_PROBE_H

#include "net/resolver.h"

struct dnssec_probe;

/* question: "type:name", "ns:."; "": never. The probe does nothing with a question that does not parse: see
 * dnssec_probe_check. */
struct dnssec_probe *dnssec_probe_new(struct resolver *, const char *question);
void dnssec_probe_free(struct dnssec_probe *);

/* A good answer came for a transport that wanted it validated. NULL is no probe. */
void dnssec_probe_saw(struct dnssec_probe *, bool secure);

/* Whether the question is "", or a type and a name; else a constant complaint. */
bool dnssec_probe_check(const char *question, const char **why);

#endif
