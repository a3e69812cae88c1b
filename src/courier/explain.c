#include "courier/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "courier/hosts/dead_addresses.h"
#include "courier/login/credentials.h"

enum { RECORDS_SHOWN = 100, RECORD_MAX = 4096 };

struct explanation {
	struct list in;
	struct explainer *explainer;
	uint32_t number;
	json_t *question;                /* hosts reads the nexthop in it until the end */
	const struct transport *transport;
	struct hosts *hosts;
	struct hosts_watch watch;
	const struct host *host;         /* the one at hand */
	struct dane *dane;               /* its TLSA records are looked up */
	json_t *answer, *host_list, *left_out, *lookups, *notes;
};

static void explanation_free(struct explanation *e)
{
	list_remove(&e->in);
	dane_cancel(e->dane);
	hosts_free(e->hosts);
	json_decref(e->answer);
	json_decref(e->question);
	free(e);
}

void explain_init(struct explainer *x, const struct hosts_setup *hosts, const struct transports *transports,
	struct link *link)
{
	x->hosts = hosts;
	x->transports = transports;
	x->link = link;
	list_init(&x->running);
}

void explain_free_all(struct explainer *x)
{
	LIST_EACH(at, &x->running)
		explanation_free(LIST_OF(at, struct explanation, in));
}

/* --- what is said of a host --- */

static void add_place(const struct explained *e, json_t *o)
{
	char address[ENDPOINT_TEXT_SIZE];
	const struct host *h = e->host;

	json_object_set_new(o, "name", json_clean(h->name));
	json_object_set_new(o, "address", json_clean(endpoint_text(&h->at, address)));
	json_object_set_new(o, "port", json_integer(endpoint_port(&h->at)));
	json_object_set_new(o, "nexthop", json_clean(h->nexthop));
	json_object_set_new(o, "alias_of", *h->canonical ? json_clean(h->canonical) : json_null());
	json_object_set_new(o, "preference", h->mx_used ? json_integer(h->preference) : json_null());
}

static void add_dnssec(const struct explained *e, json_t *o)
{
	const struct host *h = e->host;

	json_object_set_new(o, "mx_dnssec", h->mx_used
		? json_string(h->mx_secure ? "secure" : "insecure") : json_null());
	json_object_set_new(o, "address_dnssec", json_string(h->secure ? "secure" : "insecure"));
}

static void add_memory(const struct explained *e, json_t *o)
{
	int64_t since;

	if (dead_addresses_has(e->explainer->hosts->dead, &e->host->at, &since))
		json_object_set_new(o, "dead_since", json_integer(since / 1000));
	else
		json_object_set_new(o, "dead_since", json_null());
}

static void add_from(const struct explained *e, json_t *o)
{
	const struct endpoint *from = transport_from(e->transport, &e->host->at);
	char address[ENDPOINT_TEXT_SIZE];

	json_object_set_new(o, "from", from ? json_clean(endpoint_text(from, address)) : json_null());
}

/* The key of the entry by which mail would log in there, never what it holds; a sender's own entry comes
 * before it. */
static void add_login(const struct explained *e, json_t *o)
{
	const struct credentials *c = e->transport->credentials;
	const struct credentials_query q = { .sender = "", .host = e->host->name, .host_is_sure = e->host->sure,
		.nexthop = e->host->nexthop };
	char *why = NULL, *key = c ? credentials_key(c, &q, &why) : NULL;

	json_object_set_new(o, "login", key ? json_clean(key) : json_null());
	json_object_set_new(o, "login_withheld", json_boolean(c && !key && credentials_withheld(c, &q)));
	json_object_set_new(o, "login_failure", why ? json_clean(why) : json_null());
	free(key);
	free(why);
}

/* Whoever decides something about a connection adds what he would decide for this host: a function and a
 * row. */
static void add_tls(const struct explained *e, json_t *o)
{
	struct buf names;

	if (!e->security) {
		json_object_set_new(o, "tls_failure", json_clean(e->insecure));
		return;
	}
	json_object_set_new(o, "tls", json_string(tls_policy_level(&e->security->policy)));
	json_object_set_new(o, "tls_from", json_string(e->security->policy.origin));
	json_object_set_new(o, "tlsa_records", json_integer((json_int_t)e->security->record_count));
	buf_init(&names, LINK_ANSWER_MAX);
	security_names(e->security, &names);
	json_object_set_new(o, "tls_names", json_clean(buf_text(&names)));
	buf_free(&names);
}

/* What becomes of mail with REQUIRETLS. */
static void add_requiretls(const struct explained *e, json_t *o)
{
	enum requiretls action;
	char *why;

	if (!e->explainer->hosts->settings->tls.requiretls_enable)
		return;
	action = requiretls_policy_find(e->transport->tls.requiretls, e->host->domain, &why);
	json_object_set_new(o, "requiretls", json_string(requiretls_name(action)));
	json_object_set_new(o, "requiretls_failure", why ? json_clean(why) : json_null());
	free(why);
}

static void (*const parts[])(const struct explained *, json_t *) = {
	add_place, add_dnssec, add_memory, add_from, add_tls, add_requiretls, add_login,
};

/* --- what happens on the way --- */

static void note(void *arg, const char *text)
{
	struct explanation *e = arg;

	json_array_append_new(e->notes, json_clean(text));
}

static void left_out(void *arg, const char *host, const char *address, const char *why)
{
	struct explanation *e = arg;
	json_t *o = json_object();

	json_object_set_new(o, "host", json_clean(host));
	json_object_set_new(o, "address", address ? json_clean(address) : json_null());
	json_object_set_new(o, "why", json_clean(why));
	json_array_append_new(e->left_out, o);
}

static json_t *records_of(const struct resolver_answer *a)
{
	json_t *list = json_array();
	struct buf line;

	buf_init(&line, RECORD_MAX);
	for (size_t i = 0; i < a->count && i < RECORDS_SHOWN; i++) {
		buf_clear(&line);
		dnsrecord_print(a->name, &a->records[i], &line);
		json_array_append_new(list, json_clean(buf_text(&line)));
	}
	buf_free(&line);
	return list;
}

static void looked_up(void *arg, const char *name, enum dnsmsg_type type, const struct resolver_answer *a)
{
	struct explanation *e = arg;
	json_t *o = json_object();
	char word[16];

	json_object_set_new(o, "name", json_clean(name));
	json_object_set_new(o, "type", json_string(dnsmsg_type_name(type, word)));
	json_object_set_new(o, "dnssec", json_string(dnssec_word(a->dnssec)));
	json_object_set_new(o, "result", json_clean(a->text ? a->text : "found"));
	json_object_set_new(o, "records", records_of(a));
	json_array_append_new(e->lookups, o);
}

/* --- the answer --- */

/* What is too long for the link goes without the parts that make it so. */
static void answer(struct explanation *e)
{
	static const char *const dispensable[] = { NULL, "lookups", "left_out", "notes", "hosts" };
	struct buf out;

	buf_init(&out, LINK_ANSWER_MAX);
	for (size_t i = 0; i < sizeof dispensable / sizeof dispensable[0]; i++) {
		if (dispensable[i]) {
			json_object_set_new(e->answer, dispensable[i], json_array());
			json_object_set_new(e->answer, "cut", json_true());
		}
		buf_clear(&out);
		if (json_print(e->answer, &out))
			break;
	}
	link_send_found(e->explainer->link, e->number, buf_text(&out));
	buf_free(&out);
	explanation_free(e);
}

static void set_failure(struct explanation *e, const char *dsn, const char *text)
{
	json_t *o = json_object();

	json_object_set_new(o, "dsn", json_string(dsn));
	json_object_set_new(o, "text", json_clean(text));
	json_object_set_new(e->answer, "failure", o);
}

static void found(void *arg, const struct host *host);

static void add_host(struct explanation *e, const struct security *security, const char *insecure)
{
	struct explained about = { e->explainer, e->transport, e->host, security, insecure };
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		parts[i](&about, o);
	json_array_append_new(e->host_list, o);
	hosts_next(e->hosts, found, e);
}

static void dane_known(void *arg, struct security *security, const char *dsn, const char *why)
{
	struct explanation *e = arg;

	(void)dsn;
	e->dane = NULL;
	add_host(e, why ? NULL : security, why);
	security_free(security);
}

static void found(void *arg, const struct host *host)
{
	struct explanation *e = arg;
	const char *dsn, *text = hosts_failure(e->hosts, &dsn);
	struct security *security;
	char *why = NULL;

	if (text)
		set_failure(e, dsn, text);
	if (!host) {
		if (hosts_are_ours(e->hosts))
			note(e, "best_mx_transport would have this mail");
		answer(e);
		return;
	}
	e->host = host;
	security = security_new(e->transport, host, e->explainer->hosts->settings->myhostname,
		&(struct security_mail){ TLS_WANTED_AS_USUAL, "" }, &dsn, &why);
	if (security && security_needs_dane(security)) {
		e->dane = dane_ask(&(struct lookup_for){ e->explainer->hosts, e->transport, &e->watch }, security,
			host, dane_known, e);
		return;
	}
	add_host(e, security, why);
	security_free(security);
	free(why);
}

/* --- the question --- */

static json_t *new_list(struct explanation *e, const char *name)
{
	json_t *list = json_array();

	json_object_set_new(e->answer, name, list);
	return list;
}

static struct explanation *explanation_new(struct explainer *x, uint32_t number)
{
	struct explanation *e = mem_alloc(sizeof *e);

	e->explainer = x;
	e->number = number;
	e->answer = mem_check(json_object());
	e->host_list = new_list(e, "hosts");
	e->left_out = new_list(e, "left_out");
	e->lookups = new_list(e, "lookups");
	e->notes = new_list(e, "notes");
	json_object_set_new(e->answer, "failure", json_null());
	list_append(&x->running, &e->in);
	return e;
}

static const char *member(const json_t *question, const char *name)
{
	const char *value = json_string_value(json_object_get(question, name));

	return value ? value : "";
}

static void begin(struct explanation *e, const char *nexthop)
{
	e->watch = (struct hosts_watch){ note, looked_up, left_out, e };
	e->hosts = hosts_new(e->explainer->hosts, e->transport, nexthop, &e->watch);
	hosts_next(e->hosts, found, e);
}

void explain_start(struct explainer *x, uint32_t number, const char *text)
{
	struct explanation *e = explanation_new(x, number);
	const char *why;

	e->question = json_read(text, strlen(text), &why);
	e->transport = transports_find(x->transports, member(e->question, "transport"));
	if (e->transport) {
		begin(e, member(e->question, "nexthop"));
	} else {
		set_failure(e, "4.3.5", "the configuration names no such transport (any more)");
		answer(e);
	}
}
