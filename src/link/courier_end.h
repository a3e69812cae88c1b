/* The courier's end of a link: puts requests together and holds the dot marks. For link.c only. */
#ifndef CAUSEWAY_LINK_COURIER_END_H
#define CAUSEWAY_LINK_COURIER_END_H

#include "link/link.h"
#include "link/message.h"
#include "link/packet.h"

struct courier_end;

/* The events are borrowed. */
struct courier_end *courier_end_new(struct link *, const struct link_events *, void *arg);
void courier_end_free(struct courier_end *);
/* The final dot of the request in that slot is about to go out. */
void courier_end_mark(struct courier_end *, uint32_t slot);

/* Checks one message and passes it on; a fault goes to u->wrong. A descriptor that it keeps is taken out
 * of the packet. */
void courier_end_hear(struct courier_end *, enum message_kind, struct unpack *u, struct packet *);

#endif
