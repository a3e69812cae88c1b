/* The sockets on which the daemon listens, for its operators and for producers. Made by the supervisor,
 * served by the queue process. */
#ifndef CAUSEWAY_DAEMON_LISTENER_H
#define CAUSEWAY_DAEMON_LISTENER_H

/* Here and below: the descriptor, or -1 and *why (free() it). The remains of a dead socket are replaced; one
 * that somebody answers on is not. */

/* The control socket at that path, mode 0660 with our group. */
int listener_control(const char *path, char **why);

/* drop/socket below the spool, for everybody. */
int listener_drop(const char *spool, char **why);
/* Its name goes. */
void listener_drop_remove(const char *spool);

/* addr:port for metrics. */
int listener_http(const char *address, char **why);

#endif
