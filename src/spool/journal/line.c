#include "spool/journal/line.h"

struct journal_line line_in(const struct spool_message *m)
{
	return (struct journal_line){
		.kind = JOURNAL_IN,
		.id = m->id,
		.time = m->arrived,
		.uid = m->uid,
		.size = m->content_size,
		.count = m->envelope->count,
		.hops = m->hops,
		.flags = (m->eight_bit ? JOURNAL_EIGHT_BIT : 0) | (m->utf8_header ? JOURNAL_UTF8_HEADER : 0) |
			(m->long_lines ? JOURNAL_LONG_LINES : 0) | (m->tls_optional ? JOURNAL_TLS_OPTIONAL : 0) |
			(m->requiretls ? JOURNAL_REQUIRETLS : 0),
		.name = text_of(m->origin),
	};
}
