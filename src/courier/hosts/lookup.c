#include "courier/hosts/lookup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "table/table.h"

enum { TEXT_MAX = 2 * DNSMSG_NAME_SIZE, RECORD_TEXT_MAX = 4096 };

struct lookup {
	const struct lookup_for *of;
	char name[DNSMSG_NAME_SIZE];
	enum dnsmsg_type type;
	struct resolver_query *query;
	void (*done)(void *arg, const struct lookup_answer *);
	void *arg;
	char text[TEXT_MAX];
};

void lookup_note(const struct lookup_for *of, const char *format, ...)
{
	va_list args;
	char line[TEXT_MAX];

	if (!of->watch->note)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	of->watch->note(of->watch->arg, line);
}

void lookup_left_out(const struct lookup_for *of, const char *host, const struct endpoint *at,
	const char *why)
{
	char address[ENDPOINT_TEXT_SIZE];

	if (of->watch->left_out)
		of->watch->left_out(of->watch->arg, host, at ? endpoint_text(at, address) : NULL, why);
}

const char *lookup_dsn(enum lookup_status status)
{
	static const char *const codes[] = {
		[LOOKUP_FOUND] = "2.0.0", [LOOKUP_FILTERED] = "4.7.0", [LOOKUP_LATER] = "4.4.3",
		[LOOKUP_INVALID] = "5.4.4", [LOOKUP_NOTHING] = "5.4.4",
	};

	return codes[status];
}

/* --- dns_reply_filter --- */

/* Whether the filter takes the record away; false and a text if it cannot say. */
static bool is_ignored(struct lookup *l, const char *owner, const struct dnsrecord *r, bool *ignored)
{
	const char *why = NULL, *action;
	struct buf line;

	buf_init(&line, RECORD_TEXT_MAX);
	dnsrecord_print(owner, r, &line);
	action = table_list_get(l->of->transport->dns_filter, buf_text(&line), &why);
	*ignored = action && text_is_nocase(text_trim(text_of(action)), "ignore");
	if (*ignored)
		lookup_note(l->of, "ignoring DNS RR: %s", buf_text(&line));
	if (!why && action && !*ignored)
		why = "the only action is IGNORE";
	if (why)
		snprintf(l->text, sizeof l->text, "dns_reply_filter cannot say what to do with \"%s\": %s",
			buf_text(&line), why);
	buf_free(&line);
	return !why;
}

/* Keeps what the filter leaves; kept has room for all. */
static void filter(struct lookup *l, struct lookup_answer *a, struct dnsrecord *kept)
{
	const struct dnsrecord *all = a->records;
	size_t count = a->count;
	bool ignored;

	a->records = kept;
	a->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_ignored(l, a->name, &all[i], &ignored)) {
			a->status = LOOKUP_LATER;
			a->count = 0;
			return;
		}
		if (!ignored)
			kept[a->count++] = all[i];
	}
	if (a->count > 0)
		return;
	a->status = LOOKUP_FILTERED;
	snprintf(l->text, sizeof l->text,
		"DNS reply filter drops results: nothing is left of what the DNS says of %s", l->name);
}

/* --- question and answer --- */

static void explain_failure(struct lookup *l, const struct resolver_answer *a, enum lookup_status status)
{
	const char *reason = a->text;
	char type[16];

	if (status == LOOKUP_LATER && a->result == RESOLVER_EMPTY)
		reason = "the name server's answer is empty, without the proof that there is nothing; try again";
	snprintf(l->text, sizeof l->text, "%sName service error for name=%s type=%s: %s",
		status == LOOKUP_LATER ? "" : "Host or domain name not found. ", l->name,
		dnsmsg_type_name(l->type, type), reason);
}

/* Whether it is an address that is wanted: what is said of it may return mail, so an answer that says nothing
 * at all is not taken for a no. Without an MX record there still is the address. */
static bool is_decisive(enum dnsmsg_type type)
{
	return type == DNSMSG_A || type == DNSMSG_AAAA;
}

static enum lookup_status status_of(const struct lookup *l, const struct resolver_answer *a)
{
	if (a->result == RESOLVER_EMPTY && a->unproven && is_decisive(l->type))
		return LOOKUP_LATER;
	if (a->result == RESOLVER_FOUND)
		return LOOKUP_FOUND;
	return a->result == RESOLVER_LATER ? LOOKUP_LATER : LOOKUP_NOTHING;
}

static void answered(void *arg, const struct resolver_answer *a)
{
	struct lookup *l = arg;
	struct lookup_answer out = {
		.status = status_of(l, a), .secure = a->dnssec == DNSSEC_SECURE, .name = a->name,
		.records = a->records, .count = a->count,
	};
	struct dnsrecord *kept = NULL;

	if (l->of->watch->looked_up)
		l->of->watch->looked_up(l->of->watch->arg, l->name, l->type, a);
	if (out.status != LOOKUP_FOUND) {
		explain_failure(l, a, out.status);
	} else {
		if (l->of->transport->dnssec)
			dnssec_probe_saw(l->of->setup->probe, out.secure);
		if (l->of->transport->dns_filter) {
			kept = mem_alloc(out.count * sizeof *kept);
			filter(l, &out, kept);
		}
	}
	out.text = out.status == LOOKUP_FOUND ? NULL : l->text;
	l->done(l->arg, &out);
	free(kept);
	free(l);
}

struct lookup *lookup_ask(const struct lookup_for *of, const char *name, enum dnsmsg_type type,
	void (*done)(void *arg, const struct lookup_answer *), void *arg)
{
	struct lookup *l = mem_alloc(sizeof *l);

	l->of = of;
	l->type = type;
	l->done = done;
	l->arg = arg;
	snprintf(l->name, sizeof l->name, "%s", name);
	l->query = resolver_ask(of->setup->resolver, name, type, answered, l);
	return l;
}

void lookup_cancel(struct lookup *l)
{
	if (!l)
		return;
	resolver_cancel(l->query);
	free(l);
}
