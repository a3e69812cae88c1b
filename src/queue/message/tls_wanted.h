/* What the sender of a message wants of TLS, as far as the configuration heeds it (RFC 8689). */
#ifndef CAUSEWAY_QUEUE_TLS_WANTED_H
#define CAUSEWAY_QUEUE_TLS_WANTED_H

#include "settings/settings.h"
#include "spool/spool.h"
#include "talk/requiretls.h"

/* Of a message with its envelope. Who asks for more counts more than who asks for less (behaviour Q-1). */
enum tls_wanted tls_wanted_of(const struct settings *, const struct spool_message *);

/* "REQUIRETLS", "TLS-Required: no", or NULL: nothing out of the ordinary. */
const char *tls_wanted_text(enum tls_wanted);

#endif
