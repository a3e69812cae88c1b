#include "queue/trace.h"

#include "format/dsn.h"

enum { TRACE_MAX = 1000 };

char *trace_received(const char *myhostname, const struct active *a, int64_t arrived)
{
	struct buf b;

	buf_init(&b, TRACE_MAX);
	buf_fmt(&b, "Received: by %s (Causeway", myhostname);
	if (!queue_id_report(a->message->id))
		buf_fmt(&b, ", from userid %lu", (unsigned long)a->uid);
	buf_fmt(&b, ")\r\n\tid %s; ", a->name);
	dsn_date(arrived, &b);
	buf_str(&b, "\r\n");
	return buf_take(&b);
}
