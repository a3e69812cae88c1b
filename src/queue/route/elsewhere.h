/*
 * Mail that a courier could not send because this host is its best mail exchanger itself: the recipient takes
 * the way of best_mx_transport, once.
 */
#ifndef CAUSEWAY_QUEUE_ELSEWHERE_H
#define CAUSEWAY_QUEUE_ELSEWHERE_H

#include "queue/message/active.h"

/* Lines the recipient, who is at no courier any more, up at the destination that best_mx_transport leads to;
 * judges him if there is none, or if that is where he comes from. */
void elsewhere_send(struct queue *, struct entry *, uint32_t rcpt);

#endif
