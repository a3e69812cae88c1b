/*
 * Where tests take hold of the spool, in builds with --enable-test-hooks; in others nothing of this exists.
 *
 *	CAUSEWAY_TEST_CRASH=STEP[:N]        die by SIGKILL at the N-th passage (1: the first) of a step of
 *	                                    doc/queue.md
 *	CAUSEWAY_TEST_FAIL=CALL:N[-M][,…]   the N-th to M-th call fails: fsync, append (to the journal) with EIO;
 *	                                    write, reserve with ENOSPC
 */
#ifndef CAUSEWAY_SPOOL_HOOK_H
#define CAUSEWAY_SPOOL_HOOK_H

#include "config.h"

#ifdef CAUSEWAY_TEST_HOOKS

/* A step of doc/queue.md was just taken. */
void spool_step(const char *name);

/* The errno with which this call must fail, or 0; call is one of the above. */
int spool_fault(const char *call);

#else

static inline void spool_step(const char *name) { (void)name; }
static inline int spool_fault(const char *call) { (void)call; return 0; }

#endif
#endif
