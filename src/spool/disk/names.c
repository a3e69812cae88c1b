#include "spool/disk/names.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "format/journal/queue_id.h"

static const char *with_number(uint64_t id, unsigned number, const char *suffix, char out[NAMES_SIZE])
{
	char printed[QUEUE_ID_SIZE];

	queue_id_print(id, printed);
	if (number)
		snprintf(out, NAMES_SIZE, "%s.%u%s", printed, number, suffix);
	else
		snprintf(out, NAMES_SIZE, "%s%s", printed, suffix);
	return out;
}

const char *names_message(uint64_t id, char out[NAMES_SIZE])
{
	return queue_id_print(id, out);
}

const char *names_drop(uint64_t id, unsigned count, char out[NAMES_SIZE])
{
	return with_number(id, count, ".drop", out);
}

const char *names_part(uint64_t id, unsigned k, char out[NAMES_SIZE])
{
	return with_number(id, k, ".part", out);
}

static bool ends_in(struct text name, const char *suffix)
{
	size_t n = strlen(suffix);

	return name.n > n && memcmp(name.p + name.n - n, suffix, n) == 0;
}

static enum names_kind read_drop(struct text name, uint64_t *id, unsigned *count)
{
	struct text rest = name, first;
	uint64_t n;

	text_until(&rest, '.', &first);
	if (!queue_id_parse(first.p, first.n, id))
		return NAMES_OTHER;
	if (text_is(rest, "drop"))
		return NAMES_DROP;
	if (!text_number(&rest, UINT32_MAX, &n) || !text_is(rest, ".drop"))
		return NAMES_OTHER;
	*count = (unsigned)n;
	return NAMES_DROP;
}

enum names_kind names_read(const char *name, uint64_t *id, unsigned *count)
{
	struct text t = text_of(name);

	*id = 0;
	*count = 0;
	if (queue_id_parse(t.p, t.n, id))
		return NAMES_MESSAGE;
	if (ends_in(t, ".part"))
		return NAMES_PART;
	return ends_in(t, ".drop") ? read_drop(t, id, count) : NAMES_OTHER;
}

uint64_t names_sibling(uint64_t id, unsigned i)
{
	return queue_id_make(queue_id_microseconds(id) + i, queue_id_report(id));
}
