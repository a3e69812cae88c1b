/* What is to be logged about TLS: the words and numbers of tls_loglevel, and the lines in Postfix's form. */
#ifndef CAUSEWAY_TALK_TLS_LOG_H
#define CAUSEWAY_TALK_TLS_LOG_H

#include "base/text.h"

enum {
	TLS_LOG_SUMMARY = 1,       /* one line a connection */
	TLS_LOG_UNTRUSTED = 2,     /* why nobody stands behind a certificate */
	TLS_LOG_PEER = 4,          /* whose certificate it is */
	TLS_LOG_MATCH = 8,         /* why it does not match */
	TLS_LOG_CACHE = 16,        /* sessions that are resumed */
	TLS_LOG_DANE = 32          /* records that are passed over */
};

/* The bits for a list of 0 to 4 and names; unknown words mean nothing. */
unsigned tls_log_words(const char *list);

/* Whether it is such a word. */
bool tls_log_knows(struct text word);

#endif
