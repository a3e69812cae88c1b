/*
 * Logins whose mechanism asks others over the network before its first word (auth_asks_others: Kerberos):
 * they begin in threads, since the library waits where the loop must not. All else of a login is the loop's.
 */
#ifndef CAUSEWAY_COURIER_LOGIN_THREADS_H
#define CAUSEWAY_COURIER_LOGIN_THREADS_H

#include <stdbool.h>

#include "net/loop.h"
#include "talk/auth.h"

struct login_threads;
struct login_start;

struct login_threads *login_threads_new(struct loop *);
/* Who still waits hears no more. False: some threads are inside the library still, so the process must not
 * tidy up behind them when it ends. */
bool login_threads_free(struct login_threads *);

/* Begins (auth_begin); the auth moves. begun(arg) comes once from the loop with it; fine: what auth_begin
 * gave. So many begin at the same time, the others in turn. */
struct login_start *login_start(struct login_threads *, struct auth *, const char *mechanisms,
	void (*begun)(void *arg, struct auth *, bool fine), void *arg);

/* Nobody wants to hear of it any more, if it is not NULL. */
void login_start_forget(struct login_start *);

#endif
