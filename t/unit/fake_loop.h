/* A loop on virtual time for unit tests: net/loop.h with a clock that jumps to the next timer as soon as
 * nothing else is to be done. */
#ifndef CAUSEWAY_UNIT_FAKE_LOOP_H
#define CAUSEWAY_UNIT_FAKE_LOOP_H

#include "net/loop.h"

/* Goes on until done(arg), at most for max_ms of virtual time; whether done was seen. done NULL: for the
 * whole time. */
bool fake_loop_until(struct loop *, bool (*done)(void *arg), void *arg, int64_t max_ms);

/* Sets the wall clock by that much, as an operator would. */
void fake_loop_jump(struct loop *, int64_t ms);

#endif
