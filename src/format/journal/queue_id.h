/*
 * Queue ids. A message's id is the microsecond since 1970 at which it was taken in (always at least the last
 * one + 1), written as ten digits of base 62 in byte order (0-9 A-Z a-z), so names sort by time. Reports
 * about it carry its id and a number: "3kQ9Xb2mT1-1"; above 2048 it is a notice to the postmaster. Inside,
 * both parts share one 64-bit key: microseconds << 12 | report number (0: the message itself).
 */
#ifndef CAUSEWAY_FORMAT_QUEUE_ID_H
#define CAUSEWAY_FORMAT_QUEUE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_ID_SIZE 16          /* bytes for the printed form with its NUL */
#define QUEUE_ID_REPORTS 4095     /* highest report number */
/* The bit of a report number that marks a notice: it went to the postmaster, as no sender could be told. The
 * notice about report K has the number K with this bit. */
#define QUEUE_ID_NOTICE 2048

/* Of a report's number, 0 for the message itself; and the two parts of an id. */
uint64_t queue_id_make(uint64_t microseconds, unsigned report);
uint64_t queue_id_microseconds(uint64_t id);
unsigned queue_id_report(uint64_t id);
uint64_t queue_id_parent(uint64_t id);                        /* the id with report number 0 */
const char *queue_id_print(uint64_t id, char out[QUEUE_ID_SIZE]); /* returns out */
bool queue_id_parse(const char *s, size_t n, uint64_t *id);   /* the whole of s must be one id */

#endif
