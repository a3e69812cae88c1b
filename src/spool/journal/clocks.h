/* The journal's line of kind time: the wall clock and the boot clock of this moment. */
#ifndef CAUSEWAY_SPOOL_CLOCKS_H
#define CAUSEWAY_SPOOL_CLOCKS_H

#include "format/journal/journal_line.h"
#include "net/loop.h"

#define CLOCKS_BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define CLOCKS_BOOT_ID 40   /* bytes for a boot id with its NUL */

/* Fills the line in; its texts lie in boot_id. A boot id that cannot be read is empty: no other line is then
 * of this boot. */
void clocks_line(const struct loop *, struct journal_line *, char boot_id[CLOCKS_BOOT_ID]);

#endif
