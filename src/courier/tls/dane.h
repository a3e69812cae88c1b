/*
 * DANE for SMTP (RFC 7672): what the TLSA records of a host make of the levels dane and dane-only. A look-up
 * that fails, or whose answer is bogus, means that the host may not be used; it never means that there are no
 * records.
 */
#ifndef CAUSEWAY_COURIER_DANE_H
#define CAUSEWAY_COURIER_DANE_H

#include "courier/hosts/lookup.h"
#include "courier/tls/security.h"

struct dane;

/* Looks up what is published for the host, and completes the security by it: with records, as another level,
 * or not at all. done comes from the loop and owns the security from then on; why is NULL, or why the host
 * may not be used, with dsn, both valid during the call. */
struct dane *dane_ask(const struct lookup_for *, struct security *, const struct host *,
	void (*done)(void *arg, struct security *, const char *dsn, const char *why), void *arg);
void dane_cancel(struct dane *);     /* not after done was called; NULL is none */

#endif
