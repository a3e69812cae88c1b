/*
 * Both ends of a link under packets from a hostile other end. The first byte chooses the end, then each
 * packet is its length (two bytes) and so many bytes. The courier's end was greeted before; at the
 * queue's end one request with two recipients is out.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/link.h"
#include "link/message.h"
#include "link/packet.h"

static struct loop *loop;

static void on_request(void *arg, struct request *r, int fd)
{
	(void)arg;
	if (r->number >= LINK_SLOTS || r->envelope->count == 0 || (fd < 0 && !r->probe))
		abort();
	request_free(r);
	if (fd >= 0)
		close(fd);
}

static void on_pair(void *arg, uint32_t destination, unsigned n)
{
	(void)arg, (void)destination, (void)n;
}

static void on_stop(void *arg)
{
	(void)arg;
}

static void on_credit(void *arg, unsigned more)
{
	(void)arg;
	if (more > LINK_SLOTS)
		abort();
}

static void on_answer(void *arg, const struct answer *a)
{
	enum outcome o = a->verdict.outcome;

	(void)arg;
	if (a->request != 55 || a->rcpt > 1 || o == OUTCOME_NONE || o == OUTCOME_KEEP || o > OUTCOME_ALONE
		|| strlen(a->verdict.text) > 65536)
		abort();
}

static void on_finish(void *arg, const struct finish *f)
{
	(void)arg;
	if (f->request != 55 || f->destination != 7 || (f->site != SITE_FINE && !f->reason))
		abort();
}

static void on_note(void *arg, uint32_t request, const char *text)
{
	(void)arg;
	if (request != 55 || strlen(text) > LINK_FIELD_MAX)
		abort();
}

static void on_broken(void *arg, const char *why)
{
	(void)arg, (void)why;
	loop_stop(loop);
}

static const struct link_events at_queue = {
	.credit = on_credit, .answer = on_answer, .finish = on_finish, .closed = on_pair, .note = on_note,
	.broken = on_broken,
};
static const struct link_events at_courier = {
	.request = on_request, .recall = on_pair, .close_idle = on_pair, .stop = on_stop, .broken = on_broken,
};

static void send_out(struct link *l)
{
	char x[] = "x";
	struct request r = { .number = 55, .destination = 7, .queue_id = x, .transport = x, .nexthop = x,
		.trace = x };

	r.envelope = envelope_new();
	envelope_add(r.envelope, "a@b", NULL, 0);
	envelope_add(r.envelope, "c@d", NULL, 0);
	link_send_request(l, &r, STDIN_FILENO);
	envelope_free(r.envelope);
}

static void greet(int fd)
{
	static int page = -1;
	struct buf b;
	size_t begin;

	if (page < 0)
		page = memfd_create("page", MFD_CLOEXEC);
	if (ftruncate(page, LINK_SLOTS) < 0)
		abort();
	buf_init(&b, PACKET_MAX);
	begin = message_begin(&b, MESSAGE_HELLO);
	pack_u32(&b, MESSAGE_VERSION);
	message_end(&b, begin);
	packet_send(fd, b.data, b.len, page);
	buf_free(&b);
}

static void inject(int fd, const uint8_t *data, size_t size)
{
	while (size > 2) {
		size_t n = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		if (n > 0)
			packet_send(fd, data, n, n % 2 ? STDIN_FILENO : -1);
		data += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link *l;
	int fds[2];

	if (size < 1)
		return 0;
	loop = loop ? loop : loop_new();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	l = link_new(loop, fds[0], data[0] % 2 ? &at_queue : &at_courier, NULL);
	if (data[0] % 2)
		send_out(l);
	else
		greet(fds[1]);
	inject(fds[1], data + 1, size - 1);
	shutdown(fds[1], SHUT_WR);
	loop_run(loop);
	close(fds[1]);
	link_free(l);
	return 0;
}
