#include "daemon/supervise/child.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/process/process.h"

static bool make_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0;
}

static void close_pair(int ends[2])
{
	int saved = errno;

	close(ends[0]);
	close(ends[1]);
	errno = saved;
}

static void heard(void *arg, const struct reins_message *message)
{
	struct child *child = arg;

	child->heard(child->arg, child, message);
	if (message->fd >= 0)
		close(message->fd);
}

/* The end of the process itself tells more. */
static void ended(void *arg)
{
	(void)arg;
}

static struct child *start(const struct child_setup *setup, struct process_start *order)
{
	struct child *child;
	int reins[2];
	pid_t pid;

	if (!make_pair(reins))
		return NULL;
	order->reins = reins[1];
	order->settings = setup->settings;
	order->log = setup->log;
	pid = process_start(order);
	if (pid < 0) {
		close_pair(reins);
		return NULL;
	}
	close(reins[1]);
	child = mem_alloc(sizeof(*child));
	list_init(&child->node);
	child->pid = pid;
	child->slot = order->slot;
	child->started = loop_now(setup->loop);
	child->heard = setup->heard;
	child->arg = setup->arg;
	child->reins = reins_new(setup->loop, reins[0], heard, ended, child);
	return child;
}

struct child *child_start_queue(const struct child_setup *setup)
{
	struct process_start order = { .role = "queue", .link = -1 };

	return start(setup, &order);
}

struct child *child_start_courier(const struct child_setup *setup, unsigned slot, int *link)
{
	struct process_start order = { .role = "courier", .slot = slot };
	struct child *child;
	int ends[2];

	if (!make_pair(ends))
		return NULL;
	order.link = ends[1];
	child = start(setup, &order);
	if (!child) {
		close_pair(ends);
		return NULL;
	}
	child->courier = true;
	close(ends[1]);
	*link = ends[0];
	return child;
}

void child_free(struct child *child)
{
	list_remove(&child->node);
	reins_free(child->reins);
	free(child);
}

void child_tell(struct child *child, enum reins_kind kind, unsigned slot, int fd, const char *text)
{
	struct reins_message message = { .kind = kind, .slot = slot, .fd = fd };

	snprintf(message.text, sizeof(message.text), "%s", text ? text : "");
	reins_send(child->reins, &message);
}

char *child_epitaph(const struct child *child, int status)
{
	const char *what = child->courier ? "courier" : "queue process";

	if (WIFSIGNALED(status))
		return mem_fmt("%s %d was killed by signal %d (%s)", what, (int)child->pid, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	return mem_fmt("%s %d ended with status %d", what, (int)child->pid, WEXITSTATUS(status));
}
