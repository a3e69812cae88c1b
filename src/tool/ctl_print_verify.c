#include <string.h>
#include <sysexits.h>

#include "tool/ctl_print.h"

static void put_member(FILE *out, const json_t *result, const char *name)
{
	fprintf(out, "%-12s ", name);
	ctl_put(out, ctl_text(result, name), 0);
	fputc('\n', out);
}

void ctl_print_verify(FILE *out, const json_t *result)
{
	const json_t *note;
	size_t i;

	put_member(out, result, "address");
	put_member(out, result, "status");
	put_member(out, result, "dsn");
	put_member(out, result, "text");
	put_member(out, result, "destination");
	put_member(out, result, "relay");
	json_array_foreach(json_object_get(result, "notes"), i, note) {
		fprintf(out, "%-12s ", i ? "" : "on the way");
		ctl_put(out, json_string_value(note), 0);
		fputc('\n', out);
	}
}

int ctl_verify_code(const json_t *result)
{
	const char *status = ctl_text(result, "status");

	if (strcmp(status, "deliverable") == 0)
		return EX_OK;
	return strcmp(status, "undeliverable") == 0 ? EX_UNAVAILABLE : EX_TEMPFAIL;
}
