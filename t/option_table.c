/* Prints the option tables, a line each: Postfix name, default, and what it is, with tabs between; for
 * t/parameters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings/settings.h"

/* What configure was told shows as the name of the directory. */
static void print_default(const char *value)
{
	size_t n = strlen(SYSCONFDIR);

	if (strncmp(value, SYSCONFDIR, n) == 0)
		printf("SYSCONFDIR%s", value + n);
	else
		printf("%s", value);
}

static void print(void *arg, const char *name, const char *value)
{
	const struct settings *s = arg;
	char *path = settings_path(s, name);
	const struct option_row *row = path ? settings_row(s, path) : NULL;

	if (row) {
		printf("%s\t", name);
		print_default(row->initial ? row->initial : value);
		printf("\t%s\n", row->help ? row->help : "");
	}
	free(path);
}

int main(void)
{
	struct settings *s = settings_new();
	const char *why;

	/* stands for any transport */
	if (!settings_set(s, "transport.transport.protocol", "lmtp", &why))
		return EXIT_FAILURE;
	settings_each(s, NULL, print, s);
	settings_free(s);
	return EXIT_SUCCESS;
}
