/* An LMTP peer in a thread that follows a script: one line for each connection, a word for each message on
 * it. */
#ifndef CAUSEWAY_UNIT_COURIER_PEER_H
#define CAUSEWAY_UNIT_COURIER_PEER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a message's word makes it do:
 *   ok        accepts all
 *   rcpt450, rcpt550, dot451   answers so for everybody
 *   mixed     the second recipient is refused at RCPT, the third after the dot
 *   partial   one final reply, then closes
 *   mute      closes after the dot without a reply
 *   die       closes before it answers anything of the message
 *   bye       when told, sends 421 and closes while idle
 * and for a connection: "nogreeting" closes before the greeting, "wait" when told; "refuse" greets with
 * 421.
 */
struct peer {
	const char *const *script;    /* by connection; NULL at the end */
	char path[80];
	uint16_t port;                /* the script is served at 127.0.0.x, not at path */
	int listener;
	pthread_t thread;
	atomic_int connections, messages;
	sem_t bye;
	char last_content[200000];
	atomic_size_t last_size;
};

/* On a UNIX socket, or at 127.0.0.x. */
void peer_start(struct peer *, const char *const *script, bool inet);
void peer_stop(struct peer *);

#endif
