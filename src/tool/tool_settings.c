#include "tool/tool_settings.h"

#include <stdint.h>
#include <unistd.h>

#include "daemon/config/config.h"

struct settings *tool_settings(const char *file, char **why)
{
	struct config_source source = { .file = file ? file : CONFIG_FILE, .values_only = true };
	struct settings *settings;
	struct buf warnings;

	if (!file && access(CONFIG_FILE, R_OK) != 0)
		source.file = "/dev/null";
	buf_init(&warnings, SIZE_MAX);
	settings = config_read(&source, &warnings, why);
	buf_free(&warnings);
	return settings;
}
