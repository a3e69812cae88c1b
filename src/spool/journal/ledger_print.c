#include "spool/journal/ledger.h"

#include "format/journal/queue_id.h"
#include "spool/journal/suspensions.h"

static void print_in(const struct ledger *l, const struct ledger_message *m, struct buf *out)
{
	const struct journal_line line = {
		.kind = JOURNAL_IN,
		.id = m->id,
		.time = m->arrived,
		.uid = m->uid,
		.size = m->size,
		.count = m->count,
		.hops = m->hops,
		.flags = m->flags,
		.name = text_of(ledger_origin(l, m)),
	};

	journal_line_print(&line, out);
}

/* How a recipient ended is not kept in memory: 'f' says that it is final. */
static void print_final(const struct ledger_message *m, struct buf *out)
{
	const uint8_t *bits = ledger_final_bits(m);

	for (size_t i = 0; i < m->final_bytes * (size_t)8; i++)
		if (bits[i / 8] >> i % 8 & 1)
			journal_line_print(&(struct journal_line){ .kind = JOURNAL_RESULT, .id = m->id,
				.rcpt = i, .status = 'f',
				.dsn = text_of("-"), .peer = text_of("-") }, out);
}

static void print_message(const struct ledger *l, const struct ledger_message *m, struct buf *out)
{
	struct journal_line line = { .id = m->id };

	if (m->done) {
		line.kind = JOURNAL_DONE;
		journal_line_print(&line, out);
		return;
	}
	if (m->accepted)
		print_in(l, m, out);
	print_final(m, out);
	line.kind = JOURNAL_NEXT, line.time = m->next, line.count = m->attempts;
	if (m->next || m->attempts)
		journal_line_print(&line, out);
	line.kind = JOURNAL_HOLD, line.count = 1;
	if (m->held)
		journal_line_print(&line, out);
	line.kind = JOURNAL_SUSPECT, line.count = m->suspect;
	if (m->suspect)
		journal_line_print(&line, out);
	line.kind = JOURNAL_WARNED;
	if (m->warned)
		journal_line_print(&line, out);
	line.kind = JOURNAL_REPORT, line.id = queue_id_report(m->id) ? m->id : m->id + m->reports;
	if (queue_id_report(line.id))
		journal_line_print(&line, out);
}

void ledger_print(const struct ledger *l, const struct journal_line *now, struct buf *out)
{
	struct ledger_message *m;
	size_t cursor = 0;

	journal_line_print(now, out);
	suspensions_print(ledger_suspensions(l), out);
	while ((m = ledger_next(l, &cursor)))
		print_message(l, m, out);
}
