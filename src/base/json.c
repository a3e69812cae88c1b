#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { STRING_MAX = 1024 * 1024 };

json_t *json_clean(const char *s)
{
	char *clean = text_cleaned(s, STRING_MAX);
	json_t *value = mem_check(json_string(clean));

	free(clean);
	return value;
}

/* Digits that a double keeps for sure: 0.06 is not shown as 0.059999999999999998. */
enum { REAL_DIGITS = 15 };

static int append(const char *bytes, size_t n, void *out)
{
	return buf_add(out, bytes, n) ? 0 : -1;
}

bool json_print(const json_t *value, struct buf *out)
{
	return json_dump_callback(value, append, out,
		JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS)) == 0;
}

json_t *json_read(const char *bytes, size_t n, const char **why)
{
	json_error_t error;
	json_t *value = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);

	if (!value)
		*why = "not valid JSON";
	return value;
}
