/*
 * The addresses that one element of a nexthop leads to, and the order in which they are tried (RFC 5321
 * section 5.1, RFC 2782). Nothing is looked up here.
 */
#ifndef CAUSEWAY_COURIER_CANDIDATES_H
#define CAUSEWAY_COURIER_CANDIDATES_H

#include "net/endpoint.h"
#include "talk/manner.h"

struct dead_addresses;
struct own_addresses;

/* targets, and addresses, of an element; those behind them are left out */
#define CANDIDATES_MAX 100

/* A host to be looked up: what an MX or SRV record names, or the nexthop itself. */
struct target {
	char *name;
	char *canonical;               /* the end of its chain of aliases; NULL as long as that is not known */
	uint16_t preference;           /* smaller first; 0 without MX or SRV */
	uint16_t weight, port;         /* SRV */
};

struct targets {
	struct target *list;
	size_t count;
};
/* False: there is no room for one more. The name is copied. */
bool targets_add(struct targets *, const char *name, uint16_t preference, uint16_t weight, uint16_t port);
void targets_clear(struct targets *);
/* By preference; equal ones stay as they are. */
void targets_sort(struct targets *);
/* By priority, then at random in proportion to their weights (behaviour A-4). */
void targets_sort_srv(struct targets *);

struct candidate {
	const struct target *target;
	struct endpoint at;            /* with its port */
	bool secure;                   /* its address was validated by DNSSEC */
	bool dead;                     /* it did not answer lately */
};

struct candidates {
	struct candidate *list;
	size_t count;
};

/* Frees what it holds; it is empty then. */
void candidates_clear(struct candidates *);
/* A list of its own, of the same targets. */
struct candidates candidates_copy(const struct candidates *);
/* False: there is no room for one more. */
bool candidates_add(struct candidates *, const struct target *, const struct endpoint *, bool secure);

/* At random if randomize_addresses, then by preference, then by family if one is preferred and `families`;
 * and a share for each family where mx_address_limit leaves some out. */
void candidates_arrange(struct candidates *, const struct manner *, bool families);
/* Only the share of each family. */
void candidates_balance(struct candidates *, const struct manner *);

/* Those that did not answer lately go behind the others. */
void candidates_dead_last(struct candidates *, struct dead_addresses *);

/* The first one that is this host itself, or NULL. */
const struct candidate *candidates_self(const struct candidates *, const struct own_addresses *);
/* Keeps those of a better preference. */
void candidates_cut(struct candidates *, uint16_t preference);

#endif
