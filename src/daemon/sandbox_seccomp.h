/* The seccomp filters, written as BPF by hand: a list of what a process never needs, each refused with an
 * error. */
#ifndef CAUSEWAY_DAEMON_SANDBOX_SECCOMP_H
#define CAUSEWAY_DAEMON_SANDBOX_SECCOMP_H

/* Both: no new program or process, no tracing, no signal to others, no io_uring, no mounts. Queue:
 * sockets of the UNIX family only. Courier: nothing that changes a file system, no lock, no open for
 * writing, no listening. For all threads of the process. NULL, or what failed (constant or strerror). */
const char *seccomp_enter_queue(void);
const char *seccomp_enter_courier(void);

#endif
