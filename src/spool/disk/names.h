/* The names of files in queue/ (doc/queue.md "The files"). */
#ifndef CAUSEWAY_SPOOL_NAMES_H
#define CAUSEWAY_SPOOL_NAMES_H

#include <stdint.h>

#define NAMES_SIZE 48   /* bytes for any of them, with its NUL */

/* ID, or ID-K of a report; here and below the answer is out. */
const char *names_message(uint64_t id, char out[NAMES_SIZE]);
/* ID.drop; ID.N.drop if count (its messages) is not 0. */
const char *names_drop(uint64_t id, unsigned count, char out[NAMES_SIZE]);
/* ID.part; ID.K.part if k is not 0. */
const char *names_part(uint64_t id, unsigned k, char out[NAMES_SIZE]);

enum names_kind { NAMES_MESSAGE, NAMES_DROP, NAMES_PART, NAMES_OTHER };

/* What a name is; *id and, for a drop, *count (0: not known to be several) where it has them. */
enum names_kind names_read(const char *name, uint64_t *id, unsigned *count);

/* The id of the i-th message of a file whose first message is id. */
uint64_t names_sibling(uint64_t id, unsigned i);

#endif
