#include "queue/result/status_filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/smtp/reply.h"
#include "table/table.h"

enum { TEXT_MAX = 2048, KEY_MAX = 16 * 1024 };

/* The tables of one transport; several may have the same value, and each opens them. */
struct filter {
	char *transport;              /* "": of results without one */
	struct table_list *tables;
};

struct status_filters {
	bool soft_bounce;
	struct filter *all;
	size_t count;
	char *text;                   /* of the last answer */
};

static void add(struct status_filters *f, const char *transport, const char *list)
{
	struct table_list *tables;
	char *why = NULL;

	if (!*list)
		return;
	tables = table_list_open_tables(list, &why);
	if (!tables) {
		log_line(LOG_LEVEL_ERROR, "qmgr", NULL, "delivery_status_filter: %s: results stay as they are",
			why);
		free(why);
		return;
	}
	f->all = mem_grow(f->all, f->count + 1, sizeof *f->all);
	f->all[f->count++] = (struct filter){ mem_str(transport), tables };
}

struct status_filters *status_filters_new(const struct settings *s)
{
	struct status_filters *f = mem_alloc(sizeof *f);

	f->soft_bounce = s->soft_bounce;
	for (size_t i = 0; i < s->transport_count; i++)
		add(f, s->transports[i].name, s->transports[i].manner->delivery_status_filter);
	add(f, "", s->default_delivery_status_filter);
	return f;
}

void status_filters_free(struct status_filters *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++) {
		free(f->all[i].transport);
		table_list_free(f->all[i].tables);
	}
	free(f->all);
	free(f->text);
	free(f);
}

static struct table_list *tables_of(const struct status_filters *f, const char *transport)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->all[i].transport, transport) == 0)
			return f->all[i].tables;
	return NULL;
}

/* The answer for the result; NULL: none. */
static const char *ask(struct table_list *tables, const struct note *n)
{
	const char *answer, *why = NULL;
	struct buf key;

	buf_init(&key, KEY_MAX);
	buf_fmt(&key, "%s %s", n->dsn, n->text);
	answer = table_list_get(tables, buf_text(&key), &why);
	if (why)
		log_line(LOG_LEVEL_WARNING, "qmgr", NULL, "delivery_status_filter: %s: the result stays as it is",
			why);
	buf_free(&key);
	return why ? NULL : answer;
}

static enum outcome outcome_of(const struct status_filters *f, const char *dsn)
{
	if (*dsn == '2')
		return OUTCOME_SENT;
	return *dsn == '5' && !f->soft_bounce ? OUTCOME_BOUNCED : OUTCOME_DEFERRED;
}

/* False if the answer is none: not of that form, or success would become failure or the other way round. */
static bool read_answer(struct status_filters *f, const char *answer, struct note *n)
{
	struct text rest = text_of(answer);
	char dsn[sizeof n->dsn];

	if (!reply_take_dsn(&rest, dsn) || (*dsn == '2') != (n->outcome == OUTCOME_SENT))
		return false;
	rest = text_trim(rest);
	if (rest.n == 0)
		return false;
	free(f->text);
	f->text = text_cleaned(rest.p, TEXT_MAX);
	n->text = f->text;
	/* words that say another thing than the status would mislead who reads the report */
	if (*dsn != *n->dsn)
		n->reply = NULL;
	n->outcome = outcome_of(f, dsn);
	memcpy(n->dsn, dsn, sizeof dsn);
	if (n->outcome == OUTCOME_DEFERRED)
		n->dsn[0] = '4';
	return true;
}

const struct note *status_filter(struct status_filters *f, const struct note *values, struct note *room)
{
	struct table_list *tables = f->count ? tables_of(f, values->transport) : NULL;
	const char *answer = tables ? ask(tables, values) : NULL;

	if (!answer)
		return values;
	memcpy(room, values, sizeof *room);
	if (read_answer(f, answer, room))
		return room;
	log_line(LOG_LEVEL_WARNING, "qmgr", NULL,
		"delivery_status_filter: \"%s\" is no status for \"%s %s\", which stays as it is", answer,
		values->dsn, values->text);
	return values;
}
