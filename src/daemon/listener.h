/* The sockets on which the daemon listens for its operators. Made by the supervisor, served by the queue
 * process. */
#ifndef CAUSEWAY_DAEMON_LISTENER_H
#define CAUSEWAY_DAEMON_LISTENER_H

/* The control socket at that path, mode 0660 with our group; a dead one's remains are replaced, one that
 * somebody answers on is not. The descriptor, or -1 and *why (free() it). */
int listener_control(const char *path, char **why);

/* addr:port for metrics; the descriptor, or -1 and *why (free() it). */
int listener_http(const char *address, char **why);

#endif
