/* Lists in the configuration of which every word has a meaning: a word that has none is refused, where it
 * would silently do nothing; and texts that must not be empty. */
#ifndef CAUSEWAY_DAEMON_CONFIG_WORDS_H
#define CAUSEWAY_DAEMON_CONFIG_WORDS_H

#include "settings/settings.h"

/* False if one of them is no good: *path of the option and *what is wrong (free() both). */
bool config_words_check(const struct settings *, char **path, char **what);

#endif
