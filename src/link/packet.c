#include "link/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

/* Room for the control message of one descriptor; two of them, so that a second descriptor is seen and
 * closed. */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

struct packet_reader {
	unsigned most;
	char *bytes;
	struct packet *packets;
	struct mmsghdr *headers;
	struct iovec *pieces;
	union control *controls;
};

int packet_send(int fd, const void *bytes, size_t n, int passed)
{
	union control control = { 0 };
	struct iovec piece = { (void *)bytes, n };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };
	ssize_t sent;

	if (passed >= 0) {
		control.align = (struct cmsghdr){ CMSG_LEN(sizeof passed), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.align), &passed, sizeof passed);
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof passed);
	}
	do
		sent = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? errno : 0;
}

struct packet_reader *packet_reader_new(unsigned most)
{
	struct packet_reader *r = mem_alloc(sizeof *r);

	r->most = most;
	r->bytes = mem_alloc((size_t)most * PACKET_MAX);
	r->packets = mem_alloc(most * sizeof r->packets[0]);
	r->headers = mem_alloc(most * sizeof r->headers[0]);
	r->pieces = mem_alloc(most * sizeof r->pieces[0]);
	r->controls = mem_alloc(most * sizeof r->controls[0]);
	return r;
}

void packet_reader_free(struct packet_reader *r)
{
	if (!r)
		return;
	free(r->controls);
	free(r->pieces);
	free(r->headers);
	free(r->packets);
	free(r->bytes);
	free(r);
}

static void prepare(struct packet_reader *r, unsigned i)
{
	r->pieces[i] = (struct iovec){ r->bytes + (size_t)i * PACKET_MAX, PACKET_MAX };
	r->headers[i].msg_len = 0;
	r->headers[i].msg_hdr = (struct msghdr){
		.msg_iov = &r->pieces[i], .msg_iovlen = 1,
		.msg_control = &r->controls[i], .msg_controllen = sizeof r->controls[i],
	};
}

/* The first descriptor of the packet; others have no business there and are closed. */
static int descriptor_of(struct msghdr *m)
{
	int found = -1, fds[2];

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(fds, CMSG_DATA(c), count * sizeof(int));
		for (size_t i = 0; i < count; i++) {
			if (found < 0)
				found = fds[i];
			else
				close(fds[i]);
		}
	}
	return found;
}

static void describe(struct packet_reader *r, unsigned i)
{
	struct msghdr *m = &r->headers[i].msg_hdr;

	r->packets[i] = (struct packet){
		.bytes = r->bytes + (size_t)i * PACKET_MAX,
		.n = r->headers[i].msg_len,
		.fd = descriptor_of(m),
		.fd_lost = m->msg_flags & MSG_CTRUNC,
		.cut = m->msg_flags & MSG_TRUNC,
	};
}

int packet_receive(struct packet_reader *r, int fd, struct packet **packets)
{
	unsigned count = 0;
	int got;

	for (unsigned i = 0; i < r->most; i++)
		prepare(r, i);
	do
		got = recvmmsg(fd, r->headers, r->most, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : -1;
	while (count < (unsigned)got && r->headers[count].msg_len > 0) {
		describe(r, count);
		count++;
	}
	*packets = r->packets;
	if (count > 0)
		return (int)count;
	errno = 0;
	return -1;
}
