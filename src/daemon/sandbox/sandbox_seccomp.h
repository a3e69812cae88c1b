/* The seccomp filters, written as BPF by hand: a list of what a process never needs, each refused with an
 * error. */
#ifndef CAUSEWAY_DAEMON_SANDBOX_SECCOMP_H
#define CAUSEWAY_DAEMON_SANDBOX_SECCOMP_H

#include <stdbool.h>

/* Both: no new program or process, no tracing, no signal to others, no io_uring, no mounts. Queue:
 * sockets of the UNIX family only. Courier: nothing that changes a file system, no open for writing, no
 * listening, no lock but with file_locks those of an open file, as Kerberos takes them on what it reads:
 * shared ones, since it has nothing open for writing. For all threads of the process. NULL, or what failed
 * (constant or strerror). */
const char *seccomp_enter_queue(void);
const char *seccomp_enter_courier(bool file_locks);

#endif
