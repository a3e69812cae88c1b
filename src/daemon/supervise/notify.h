/* Tells the service manager how we are: sd_notify(3) in a few lines of its own. */
#ifndef CAUSEWAY_DAEMON_NOTIFY_H
#define CAUSEWAY_DAEMON_NOTIFY_H

/* Sends lines like "READY=1\nSTATUS=…" to the socket that NOTIFY_SOCKET names; nothing happens if there
 * is none. */
void notify(const char *state);

/* The state of a service that begins to reload, which needs the time of it. */
void notify_reloading(void);

#endif
