#include "courier/content/checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/rewriting/check_action.h"
#include "table/table.h"

enum {
	WHICH = CHECKS_BODY + 1,
	KEY_MAX = 16 * 1024 * 1024,     /* above header_size_limit and line_length_limit */
	SHOWN = 60                      /* bytes of it in the log, as in Postfix */
};

struct checks {
	const char *protocol;           /* for the log */
	struct table_list *tables[WHICH];
	struct buf key, replaced;       /* of the question at hand */
};

static const char *const options[WHICH] = {
	"header_checks", "mime_header_checks", "nested_header_checks", "body_checks"
};

static bool open_one(struct checks *c, enum checks_which w, const char *list, char **why)
{
	if (!*list)
		return true;
	c->tables[w] = table_list_open_tables(list, why);
	return c->tables[w];
}

struct checks *checks_new(const struct manner *m, const char **option, char **why)
{
	const char *const lists[WHICH] = {
		m->header_checks, m->mime_header_checks, m->nested_header_checks, m->body_checks
	};
	struct checks *c = mem_alloc(sizeof *c);
	bool any = false;

	*why = NULL;
	c->protocol = protocol_name(m->protocol);
	buf_init(&c->key, KEY_MAX);
	buf_init(&c->replaced, KEY_MAX);
	for (int i = 0; i < WHICH; i++) {
		*option = options[i];
		if (!open_one(c, i, lists[i], why)) {
			checks_free(c);
			return NULL;
		}
		any = any || c->tables[i];
	}
	if (any)
		return c;
	checks_free(c);
	return NULL;
}

void checks_free(struct checks *c)
{
	if (!c)
		return;
	for (int i = 0; i < WHICH; i++)
		table_list_free(c->tables[i]);
	buf_free(&c->key);
	buf_free(&c->replaced);
	free(c);
}

bool checks_has(const struct checks *c, enum checks_which w)
{
	return c->tables[w];
}

enum checks_which checks_of_field(struct text name, bool part, bool nested)
{
	static const char *const mime[] = {
		"MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
		"Content-Description", "Content-ID",
	};

	for (size_t i = 0; i < sizeof mime / sizeof *mime; i++)
		if (text_is_nocase(name, mime[i]))
			return CHECKS_MIME;
	return part ? CHECKS_MIME : nested ? CHECKS_NESTED : CHECKS_HEADER;
}

/* Patterns see the piece without its end, and a fold as one LF. */
static const char *key_of(struct checks *c, struct text piece)
{
	buf_clear(&c->key);
	for (size_t i = 0; i < piece.n; i++)
		if (piece.p[i] != '\r')
			buf_char(&c->key, piece.p[i]);
	if (c->key.len && c->key.data[c->key.len - 1] == '\n')
		c->key.data[--c->key.len] = '\0';
	return buf_text(&c->key);
}

static void log_action(const struct checks *c, enum checks_which w, const struct check_action *a,
	const struct checks_log *log)
{
	const char *word = check_action_word(a->kind);

	if (!word)
		return;
	log->note(log->arg, mem_fmt("%s: %s %.*s%s%.*s", word, w == CHECKS_BODY ? "body" : "header", SHOWN,
		buf_text(&c->key), a->text.n ? ": " : "", (int)a->text.n, a->text.p));
}

/* The text as lines of the wire. What a pattern took over from a field may hold folds, which stay
 * folds: no new field and no end of the header can come of them. */
static void put_text(struct text t, struct buf *out)
{
	struct text line;

	while (text_until(&t, '\n', &line)) {
		buf_add(out, line.p, line.n);
		buf_str(out, t.n && (*t.p == ' ' || *t.p == '\t') ? "\r\n" : "\r\n\t");
	}
	buf_add(out, t.p, t.n);
}

static bool has_end(struct text piece)
{
	return piece.n && piece.p[piece.n - 1] == '\n';
}

static struct text replace(struct checks *c, const struct check_action *a, struct text piece)
{
	buf_clear(&c->replaced);
	put_text(a->text, &c->replaced);
	buf_str(&c->replaced, has_end(piece) ? "\r\n" : "");
	return text_make(c->replaced.data, c->replaced.len);
}

/* What is left of the piece. */
static struct text carry_out(struct checks *c, const struct check_action *a, struct text piece,
	struct buf *out)
{
	switch (a->kind) {
	case CHECK_IGNORE:
	case CHECK_STRIP:
		return text_make(piece.p, 0);
	case CHECK_REPLACE:
		return replace(c, a, piece);
	case CHECK_PREPEND:
		put_text(a->text, out);
		buf_str(out, "\r\n");
		break;
	case CHECK_DUNNO:
	case CHECK_WARN:
	case CHECK_INFO:
		break;
	}
	return piece;
}

/* A rule that cannot be carried out changes nothing, and the log says so. */
static void complain(const struct checks *c, enum checks_which w, const char *result, const char *why,
	const struct checks_log *log)
{
	log->note(log->arg, mem_fmt("warning: %s_%s: %.200s: %s", c->protocol, options[w], result, why));
}

bool checks_apply(struct checks *c, enum checks_which w, struct text piece, const struct checks_log *log,
	struct buf *out, struct text *left)
{
	const char *key = c->tables[w] ? key_of(c, piece) : "", *why = NULL;
	const char *result = *key ? table_list_get(c->tables[w], key, &why) : NULL;
	struct check_action a = { CHECK_DUNNO, { "", 0 } };

	if (why) {
		log->note(log->arg, mem_fmt("warning: %s_%s: lookup error: %s", c->protocol, options[w],
			why));
		return false;
	}
	if (result && !check_action_read(result, w != CHECKS_BODY, &a, &why))
		complain(c, w, result, why, log);
	else
		log_action(c, w, &a, log);
	*left = carry_out(c, &a, piece, out);
	return true;
}
