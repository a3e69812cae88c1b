#include "table_files.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "table/table.h"
#include "unit.h"

static char path[64];

char *table_file(const char *type, const char *bytes, size_t n)
{
	FILE *file;

	snprintf(path, sizeof path, "/tmp/causeway-table-%d", (int)getpid());
	file = fopen(path, "w");
	ck_assert(file && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
	return mem_fmt("%s:%s", type, path);
}

const char *table_file_path(void)
{
	return path;
}

void table_file_remove(void)
{
	unlink(path);
}

void table_check_hit(const char *spec, const char *key, const char *value)
{
	const char *found, *error = "unset";
	char *why = NULL;
	struct table *t = table_open(spec, &why);

	ck_assert_msg(t, "%s", why);
	ck_assert_str_eq(table_name(t), spec);
	found = table_get(t, key, &error);
	ck_assert_msg(!error, "%s", error);
	if (value)
		ck_assert_msg(found && strcmp(found, value) == 0, "%s is '%s', not '%s'", key,
			found ? found : "not found", value);
	else
		ck_assert_msg(!found, "%s is '%s', not unknown", key, found);
	table_free(t);
}

void table_check_refused(const char *spec, const char *words)
{
	char *why = NULL;

	ck_assert_msg(!table_open(spec, &why), "%s was opened", spec);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, words), "complaint: %s", why);
	ck_assert_ptr_null(strchr(why, '\n'));
	free(why);
}

void table_check_file_hit(const char *type, const struct table_hit *hit)
{
	char *spec = table_file(type, hit->file, strlen(hit->file));

	table_check_hit(spec, hit->key, hit->value);
	free(spec);
	table_file_remove();
}

void table_check_file_fault(const char *type, const struct table_fault *fault)
{
	char *spec = table_file(type, fault->file, strlen(fault->file));

	table_check_refused(spec, fault->complaint);
	table_check_refused(spec, path);
	free(spec);
	table_file_remove();
}
