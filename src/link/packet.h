/* Packets on a SOCK_SEQPACKET socket, each with at most one descriptor (unix(7), SCM_RIGHTS). Nothing
 * here blocks. */
#ifndef CAUSEWAY_LINK_PACKET_H
#define CAUSEWAY_LINK_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#define PACKET_MAX 65536

/* Sends one packet; passed is -1 or a descriptor that stays the caller's. 0, or the errno: EAGAIN and
 * ETOOMANYREFS pass by themselves. */
int packet_send(int fd, const void *bytes, size_t n, int passed);

struct packet {
	char *bytes;            /* PACKET_MAX of room, the reader's */
	size_t n;
	int fd;                 /* -1, or a descriptor that is the caller's now (CLOEXEC) */
	bool fd_lost;           /* one was sent, but this process has no room for it */
	bool cut;               /* the packet was longer than PACKET_MAX */
};

struct packet_reader;
struct packet_reader *packet_reader_new(unsigned most);     /* up to that many packets a call */
void packet_reader_free(struct packet_reader *);

/*
 * Reads what waits. The number of packets, 0 if none, -1 if the other end has gone (errno as said by the
 * kernel, 0 for a plain end). Packets are valid until the next call; an end that follows packets is
 * reported by the call after.
 */
int packet_receive(struct packet_reader *, int fd, struct packet **packets);

#endif
