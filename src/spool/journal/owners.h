/* How many messages each user has in the queue, for queue { owner_limit }. */
#ifndef CAUSEWAY_SPOOL_OWNERS_H
#define CAUSEWAY_SPOOL_OWNERS_H

#include <stddef.h>
#include <stdint.h>

struct owners;

/* Nobody owns anything yet. */
struct owners *owners_new(void);
void owners_free(struct owners *);

/* One message more, or less: of a user for whom one was added. */
void owners_add(struct owners *, uint64_t uid);
void owners_remove(struct owners *, uint64_t uid);

/* 0 for a user who has none. */
size_t owners_count(const struct owners *, uint64_t uid);

#endif
