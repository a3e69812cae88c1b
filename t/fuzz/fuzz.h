#ifndef CAUSEWAY_FUZZ_H
#define CAUSEWAY_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The one function of a fuzz target: returns 0; anything wrong ends in abort() or a sanitizer's report. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
