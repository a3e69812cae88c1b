/* What the keys of the messages KEEP and HAVE begin with: what is kept there, and what becomes of it. */
#ifndef CAUSEWAY_LINK_KEYS_H
#define CAUSEWAY_LINK_KEYS_H

/* A login that a server has refused (courier/refused_logins.h): the queue process tells every courier. */
#define LINK_KEY_REFUSED_LOGIN "refused login "

#endif
