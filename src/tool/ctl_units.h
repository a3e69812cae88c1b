/* Figures as a person reads them at a glance. */
#ifndef CAUSEWAY_TOOL_CTL_UNITS_H
#define CAUSEWAY_TOOL_CTL_UNITS_H

#include <stdint.h>

#define CTL_UNIT_SIZE 64       /* bytes for any of them, with its NUL */

/* "45s", "12m", "3h20m", "2d4h"; below zero is "0s". Each returns out. */
const char *ctl_age(int64_t seconds, char out[CTL_UNIT_SIZE]);

/* "999", "1.4K", "23M". */
const char *ctl_size(int64_t bytes, char out[CTL_UNIT_SIZE]);

/* "2026-11-25 14:05:09" in local time. */
const char *ctl_time(int64_t seconds_since_1970, char out[CTL_UNIT_SIZE]);

#endif
