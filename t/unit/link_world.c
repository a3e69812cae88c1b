#include "link_world.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

struct loop *loop;
struct link *queue, *courier;
int heard_requests, heard_answers, heard_finishes, heard_other, breaks;
struct request *last_request;
int last_fd;
char heard_text[400], why[400];
static int stop_after;

static void count(int *what)
{
	++*what;
	if (--stop_after == 0)
		loop_stop(loop);
}

static void on_request(void *arg, struct request *r, int fd)
{
	(void)arg;
	request_free(last_request);
	if (last_fd >= 0)
		close(last_fd);
	last_request = r;
	last_fd = fd;
	count(&heard_requests);
}

static void on_pair(void *arg, uint32_t destination, unsigned n)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u %u", destination, n);
	count(&heard_other);
}

static void on_recall(void *arg, uint32_t destination, uint32_t request)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u %u", destination, request);
	count(&heard_other);
}

static void on_stop(void *arg)
{
	(void)arg;
	count(&heard_other);
}

static void on_credit(void *arg, unsigned more)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u", more);
	count(&heard_other);
}

static void on_answer(void *arg, const struct answer *a)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u/%u %d %s %s %s %s %u %ld %ld %d %s", a->request, a->rcpt,
		a->verdict.outcome, a->verdict.dsn,
		a->verdict.text, a->relay, a->tls ? a->tls : "-", a->conn_use, (long)a->setup,
			(long)a->transmission, a->peer_reports,
		a->transcript ? a->transcript : "-");
	count(&heard_answers);
}

struct finish last_finish;

static void on_finish(void *arg, const struct finish *f)
{
	(void)arg;
	last_finish = *f;
	snprintf(heard_text, sizeof heard_text, "%u %u %d %d %s %d %s", f->request, f->destination,
		f->connection, f->site,
		f->reason ? f->reason : "-", f->served, f->tls ? f->tls : "-");
	count(&heard_finishes);
}

static void on_text(void *arg, const char *text)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%s", text);
	count(&heard_other);
}

static void on_numbered(void *arg, uint32_t number, const char *text)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%u %s", number, text);
	count(&heard_other);
}

static void on_keep(void *arg, const char *key, const void *value, size_t n)
{
	(void)arg;
	snprintf(heard_text, sizeof heard_text, "%s=%.*s", key, (int)n, (const char *)value);
	count(&heard_other);
}

static void on_broken(void *arg, const char *reason)
{
	(void)arg;
	breaks++;
	snprintf(why, sizeof why, "%s", reason);
	loop_stop(loop);
}

const struct link_events at_queue = {
	.credit = on_credit, .answer = on_answer, .finish = on_finish, .closed = on_pair, .note = on_numbered,
	.lookup = on_numbered, .found = on_numbered, .keep = on_keep, .have = on_text, .broken = on_broken,
};
const struct link_events at_courier = {
	.request = on_request, .close_idle = on_pair, .recall = on_recall, .stop = on_stop,
	.lookup = on_numbered, .found = on_numbered, .keep = on_keep, .have = on_text, .broken = on_broken,
};

static void too_late(void *arg)
{
	(void)arg;
	ck_abort_msg("nothing came");
}

void run_until(int n)
{
	struct loop_timer *limit = loop_timer_new(loop, too_late, NULL);

	stop_after = n;
	loop_timer_set(limit, UNIT_PATIENCE_MS);
	loop_run(loop);
	loop_timer_free(limit);
}

void pair_of(int fds[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

void start(void)
{
	int fds[2];

	last_fd = -1;
	loop = loop_new();
	pair_of(fds);
	queue = link_new(loop, fds[0], &at_queue, NULL);
	courier = link_new(loop, fds[1], &at_courier, NULL);
}

void finish(void)
{
	link_free(queue);
	link_free(courier);
	request_free(last_request);
	if (last_fd >= 0)
		close(last_fd);
	loop_free(loop);
}

struct request *some_request(uint32_t number, size_t rcpts)
{
	struct request *r = request_new();

	r->number = number;
	r->destination = 7;
	r->queue_id = mem_str("3kQ9Xb2mT1");
	r->transport = mem_str("lmtp");
	r->nexthop = mem_str("unix:/run/x");
	r->trace = mem_str("Received: by x\r\n");
	r->trace_size = strlen(r->trace);
	r->content_at = 70;
	r->content_size = 4000;
	r->eight_bit = true;
	r->attempt = 3;
	r->age = 12345;
	r->client.helo = mem_str("client.test");
	r->envelope = envelope_new();
	free(r->envelope->sender);
	r->envelope->sender = mem_str("a@example.org");
	r->envelope->envid = mem_str("xyz");
	for (size_t i = 0; i < rcpts; i++)
		envelope_add(r->envelope, "\"odd name\"@example.org", i % 2 ? NULL : "rfc822;b@c",
			NOTIFY_FAILURE);
	return r;
}

int some_file(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

void send_one(uint32_t number, size_t rcpts)
{
	struct request *r = some_request(number, rcpts);
	int fd = some_file();

	link_send_request(queue, r, fd);
	close(fd);
	request_free(r);
}
