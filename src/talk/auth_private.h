/* What auth.c and auth_library.c share. */
#ifndef CAUSEWAY_TALK_AUTH_PRIVATE_H
#define CAUSEWAY_TALK_AUTH_PRIVATE_H

/* libsasl2's SASL_CB_LOG: without it passwords would go to syslog at its highest level. */
int auth_log_nothing(void *arg, int level, const char *message);

#endif
