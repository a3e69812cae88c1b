#include "spool/spool_private.h"

/* A line about a message that is not known any more (corrupt) is about nothing. */
static void add_line(struct spool *s, const struct journal_line *line)
{
	if (ledger_get(s->parts.ledger, line->id))
		commit_line(s->parts.commit, line);
}

/* A line about a state, which for an unwritten message comes when it is written. */
static void add_state(struct spool *s, const struct journal_line *line)
{
	struct ledger_message *m = ledger_get(s->parts.ledger, line->id);

	if (m && m->unwritten)
		ledger_apply(s->parts.ledger, line, 0);
	else
		add_line(s, line);
}

void spool_result(struct spool *s, uint64_t id, const struct spool_result *result)
{
	add_line(s, &(struct journal_line){ .kind = JOURNAL_RESULT, .id = id, .rcpt = result->rcpt,
		.status = result->status,
		.time = result->when, .dsn = text_of(result->dsn), .peer = text_of(result->peer),
		.text = text_of(result->text) });
}

void spool_next(struct spool *s, uint64_t id, int64_t when_wall, unsigned attempts)
{
	add_line(s, &(struct journal_line){ .kind = JOURNAL_NEXT, .id = id, .time = when_wall,
		.count = attempts });
}

void spool_hold(struct spool *s, uint64_t id, bool held)
{
	add_state(s, &(struct journal_line){ .kind = JOURNAL_HOLD, .id = id, .count = held });
}

void spool_suspect(struct spool *s, uint64_t id, unsigned count)
{
	add_state(s, &(struct journal_line){ .kind = JOURNAL_SUSPECT, .id = id, .count = count });
}

void spool_suspend(struct spool *s, const char *destination, bool suspended)
{
	commit_line(s->parts.commit, &(struct journal_line){ .kind = JOURNAL_SUSPEND, .count = suspended,
		.name = text_of(destination) });
}

void spool_warned(struct spool *s, uint64_t id)
{
	add_line(s, &(struct journal_line){ .kind = JOURNAL_WARNED, .id = id });
}

void spool_done(struct spool *s, uint64_t id)
{
	struct ledger_message *m = ledger_get(s->parts.ledger, id);

	if (!m || m->done)
		return;
	commit_line(s->parts.commit, &(struct journal_line){ .kind = JOURNAL_DONE, .id = id });
	commit_finish(s->parts.commit, &(struct removal){ .id = id, .drop = m->unwritten });
	if (m->unwritten)
		budget_gone(s->parts.budget, m);
}
