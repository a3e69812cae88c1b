/*
 * The files of pattern tables and texthash: "TYPE KEY" in the first line, then the table. Whatever they hold,
 * they are opened or refused with one line, and the same question has the same answer twice.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "table/table.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* The C library's expressions take any time and memory for repetitions of repetitions; tables are written by
 * the administrator, and these are not what is looked for here. */
static bool is_costly(struct text type, struct text table)
{
	unsigned repetitions = 0;

	for (size_t i = 0; i < table.n && text_is(type, "regexp"); i++)
		repetitions += strchr("*+?{\\", table.p[i]) != NULL;
	return table.n > 4096 || repetitions > 8;
}

static void ask_twice(struct table *t, const char *key)
{
	const char *why, *value = table_get(t, key, &why);
	char *first = mem_str(value), *complaint = mem_str(why);

	must(!(first && complaint));
	value = table_get(t, key, &why);
	must(!first == !value && (!first || strcmp(first, value) == 0));
	must(!complaint == !why && (!complaint || strcmp(complaint, why) == 0));
	free(first);
	free(complaint);
}

static void try(struct text type, const char *key, struct text table)
{
	int fd = memfd_create("table", 0);
	char *spec = mem_fmt("%.*s:/proc/self/fd/%d", (int)type.n, type.p, fd), *why = NULL;
	struct table *t;

	must(fd >= 0 && write(fd, table.p, table.n) == (ssize_t)table.n);
	t = table_open(spec, &why);
	must(!t == (why != NULL));
	if (t)
		ask_twice(t, key);
	table_free(t);
	free(why);
	free(spec);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = text_make((const char *)data, size), line, type;
	char *key;

	if (!text_until(&rest, '\n', &line) || !text_word(&line, &type) || is_costly(type, rest))
		return 0;
	if (!text_is(type, "regexp") && !text_is(type, "pcre") && !text_is(type, "cidr")
		&& !text_is(type, "texthash"))
		return 0;
	line = text_trim(line);
	key = mem_strn(line.p, line.n);
	try(type, key, rest);
	free(key);
	return 0;
}
