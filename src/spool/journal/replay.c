#include "spool/journal/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/journal/journal_line.h"

void replay_init(struct replay *r, struct ledger *ledger, struct ids *ids)
{
	*r = (struct replay){ .ledger = ledger, .ids = ids, .claims = idmap_new(), .reasons = idmap_new() };
}

static void free_texts(struct idmap *map)
{
	char *text;
	size_t cursor = 0;

	while ((text = idmap_next(map, &cursor)))
		free(text);
	idmap_free(map);
}

static void free_claim(struct replay_claim *c)
{
	if (!c)
		return;
	free(c->dir);
	free(c->name);
	free(c->key);
	free(c);
}

static void free_claims(struct idmap *map)
{
	struct replay_claim *c;
	size_t cursor = 0;

	while ((c = idmap_next(map, &cursor)))
		free_claim(c);
	idmap_free(map);
}

void replay_clear(struct replay *r)
{
	if (r->claims)
		free_claims(r->claims);
	if (r->reasons)
		free_texts(r->reasons);
	*r = (struct replay){ 0 };
}

static void keep_text(struct idmap *map, uint64_t id, struct text encoded)
{
	free(idmap_put(map, id, journal_line_decode(encoded)));
}

static void forget_text(struct idmap *map, uint64_t id)
{
	free(idmap_take(map, id));
}

static void keep_claim(struct idmap *map, const struct journal_line *line)
{
	struct replay_claim *c = mem_alloc(sizeof *c);

	*c = (struct replay_claim){
		.dir = journal_line_decode(line->dir), .name = journal_line_decode(line->name),
		.key = journal_line_decode(line->key), .uid = line->uid };
	free_claim(idmap_put(map, line->id, c));
}

static void apply_named(struct replay *r, struct journal_line *line, size_t bytes)
{
	char *name = journal_line_decode(line->name);

	line->name = text_of(name);
	ledger_apply(r->ledger, line, bytes);
	free(name);
}

static void apply_in(struct replay *r, struct journal_line *line, size_t bytes)
{
	apply_named(r, line, bytes);
	free_claim(idmap_take(r->claims, line->id));
	forget_text(r->reasons, line->id);
}

static void one_line(void *arg, struct text text, struct text whole)
{
	struct replay *r = arg;
	struct journal_line line;

	if (!journal_line_parse(text, &line))
		return;
	ids_saw(r->ids, line.id);
	switch (line.kind) {
	case JOURNAL_IN:
		apply_in(r, &line, whole.n + 1);
		return;
	case JOURNAL_SUSPEND:
		apply_named(r, &line, whole.n + 1);
		return;
	case JOURNAL_CLAIM:
		keep_claim(r->claims, &line);
		return;
	case JOURNAL_RESULT:
		if (line.status == 'd')
			keep_text(r->reasons, line.id, line.text);
		break;
	case JOURNAL_DONE:
		forget_text(r->reasons, line.id);
		break;
	default:
		break;
	}
	ledger_apply(r->ledger, &line, whole.n + 1);
}

void replay_read(struct replay *r, struct journal *journal, char *room)
{
	r->error = journal_read(journal, one_line, r, &r->damage, room);
}

static const char *text_for(const struct idmap *map, uint64_t id)
{
	const char *text = idmap_get(map, id);

	return text ? text : "";
}

const char *replay_reason(const struct replay *r, uint64_t id)
{
	return text_for(r->reasons, id);
}

const struct replay_claim *replay_claim(const struct replay *r, uint64_t id)
{
	static char nothing[1];
	static const struct replay_claim none = { .dir = nothing, .name = nothing, .key = nothing };
	const struct replay_claim *c = idmap_get(r->claims, id);

	return c ? c : &none;
}
