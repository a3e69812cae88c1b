/* What the keys of the messages KEEP and HAVE begin with: what is kept there, and who hears of it. All else
 * is only given to who asks. */
#ifndef CAUSEWAY_LINK_KEYS_H
#define CAUSEWAY_LINK_KEYS_H

/* For every courier: the queue process tells it unasked, those too that are started later, and with an empty
 * value when it is to be forgotten. */
#define LINK_KEY_FOR_ALL "all "
/* A login that a server has refused (courier/login/refused_logins.h). */
#define LINK_KEY_REFUSED_LOGIN LINK_KEY_FOR_ALL "refused login "
/* An address that does not answer (courier/hosts/dead_addresses.h). */
#define LINK_KEY_DEAD_ADDRESS LINK_KEY_FOR_ALL "dead address "

#endif
