/* Memory that held a secret is wiped before it goes back to the heap. */
#ifndef CAUSEWAY_BASE_SECRET_H
#define CAUSEWAY_BASE_SECRET_H

#include <stddef.h>

/* free() that wipes all of the block, which came from mem_*, malloc or one of these; NULL is fine. */
void secret_free(void *);

/* realloc() that leaves nothing behind where the block moves; NULL if there is no memory. */
void *secret_realloc(void *, size_t size);

/* Overwrites n bytes; no compiler leaves it out. */
void secret_wipe(void *, size_t n);

#endif
