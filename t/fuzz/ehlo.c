/* The text of a reply to EHLO: every member stays in its room, and what is remembered is read back from
 * an answer made of it. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/smtp/ehlo.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strn((const char *)data, size), *again;
	struct ehlo first, second;

	ehlo_parse(&first, text);
	must(memchr(first.name, '\0', sizeof first.name) && memchr(first.auth, '\0', sizeof first.auth));
	must(!(first.offers & EHLO_SILENT) && first.xforward <= 127);
	must(!first.size || (first.offers & EHLO_SIZE));
	must(!*first.auth || (first.offers & EHLO_AUTH));
	again = mem_fmt("250-%s\n250-AUTH %s\n250 SIZE %llu", first.name, first.auth,
		(unsigned long long)first.size);
	ehlo_parse(&second, again);
	must(strcmp(first.name, second.name) == 0 && first.size == second.size && strcmp(first.auth,
		second.auth) == 0);
	ehlo_mask(text);
	free(text);
	free(again);
	return 0;
}
