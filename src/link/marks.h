/*
 * The page of dot marks that both ends of a link share: a byte a request slot, set by the courier before
 * a final dot goes out. It costs no packet and outlives the courier. The queue's end makes it and seals
 * its size, so that no courier can pull it from under the queue.
 */
#ifndef CAUSEWAY_LINK_MARKS_H
#define CAUSEWAY_LINK_MARKS_H

#include <stdbool.h>
#include <stdint.h>

struct marks;

/* *fd is for the other end, the caller's; NULL and errno on failure */
struct marks *marks_make(uint32_t slots, int *fd);
/* the other end's view, fd stays the caller's; NULL if fd is no such page */
struct marks *marks_map(uint32_t slots, int fd);
void marks_free(struct marks *);

/* The mark of a slot below the number of slots: whether the dot of its request may have gone out. Seen at the
 * other end at once. */
void marks_put(struct marks *, uint32_t slot, bool on);
bool marks_get(const struct marks *, uint32_t slot);

#endif
