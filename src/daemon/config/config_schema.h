/* Which options the configuration file may hold, as libconfuse wants to have them told before it reads. */
#ifndef CAUSEWAY_DAEMON_CONFIG_SCHEMA_H
#define CAUSEWAY_DAEMON_CONFIG_SCHEMA_H

#include <confuse.h>

#include "daemon/config/config_parse.h"

/* An option that stands behind the last line which is parsed: libconfuse takes the end of a file for any
 * number of closing braces. */
#define CONFIG_END_MARK "causeway-end-of-file"

/* All options of the option tables, in their sections and under their names at the top level, and `more`
 * names there; each is a list of strings, so that the option tables alone say what a value may look like.
 * value is called for each element, checked behind each and behind a closing brace. For the child that
 * parses: nothing frees the answer. */
cfg_opt_t *config_schema(const struct config_names *more, cfg_callback_t value,
	cfg_validate_callback_t checked, cfg_func_t include);

#endif
