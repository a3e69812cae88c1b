/* The journal's line for a message that was accepted, which is made in several places. */
#ifndef CAUSEWAY_SPOOL_LINE_H
#define CAUSEWAY_SPOOL_LINE_H

#include "format/journal/journal_line.h"
#include "spool/spool.h"

/* Its texts are borrowed from the message. */
struct journal_line line_in(const struct spool_message *);

#endif
