/* Inside the loop: loop.c has its turns, timers and tasks, loop_watch.c descriptors and signals. */
#ifndef CAUSEWAY_NET_LOOP_PRIVATE_H
#define CAUSEWAY_NET_LOOP_PRIVATE_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "net/loop.h"
#include "net/timer_heap.h"

/* Clocks as they were when this turn first asked. */
struct clocks {
	int64_t boot, wall;
	bool read;
};

struct task_queue {
	struct loop_task *first, *last;
};

/*
 * Timers are a heap of our own over one timerfd, because libevent's clock stands still while the machine
 * sleeps. The descriptor is armed for the earliest timer and left alone when that one is stopped: an
 * early wake-up costs less than a system call a change.
 */
struct loop {
	struct event_base *base;
	struct clocks *clocks;
	struct timer_heap timers;
	int timer_fd;
	int64_t armed;               /* what timer_fd waits for; 0: nothing */
	struct event timer_event;
	struct task_queue later, running;
	size_t owned;                /* timers, watches and signals that are not freed yet */
	bool usual, patient;         /* it was started under SCHED_OTHER; it is under SCHED_BATCH now */
	bool stopping;
};

#endif
