#include "courier/tls/security.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "courier/login/credentials.h"
#include "format/address/domain.h"

enum { CIPHERS_MAX = 64 * 1024, NAMES_MAX = 64 * 1024, STATUS_MAX = 200 };

/* --- which policy --- */

/* "a.b.c" is followed by ".b.c" and ".c"; what has brackets or a port is not. */
static const char *find_entry(struct table_list *tables, const char *nexthop, const char **why)
{
	const char *entry = table_list_get(tables, nexthop, why), *at;

	if (entry || *why || strpbrk(nexthop, "[]:/"))
		return entry;
	for (at = strchr(nexthop, '.'); at && at[1]; at = strchr(at + 1, '.')) {
		entry = table_list_get_part(tables, at, why);
		if (entry || *why)
			return entry;
	}
	return NULL;
}

/* Mail that would rather go without TLS gets no more than may. But what protects a login is not for writers
 * of mail to say. */
static bool is_relaxed(const struct transport *t, const struct host *h, const struct security_mail *mail)
{
	const struct credentials_query q = { .sender = mail->sender, .host = h->name, .host_is_sure = h->sure,
		.nexthop = h->nexthop };

	return mail->wanted == TLS_WANTED_OPTIONAL && !credentials_any(t->credentials, &q);
}

static void relax(struct tls_policy *p, const struct manner *m)
{
	enum tls_level most = m->tls_wrappermode ? TLS_ENCRYPT : TLS_MAY;

	tls_policy_default(p, m);
	if (p->level <= most)
		return;
	p->level = most;
	p->origin = "TLS-Required: no";
}

static bool find_policy(struct security *s, const struct transport *t, const struct host *h, char **why)
{
	const char *fault = NULL, *entry = NULL;

	if (t->tls.policies)
		entry = find_entry(t->tls.policies, h->nexthop, &fault);
	if (fault) {
		*why = mem_str(fault);
		return false;
	}
	s->entry = mem_str(entry);
	if (entry)
		return tls_policy_read(&s->policy, entry, why);
	tls_policy_default(&s->policy, t->manner);
	return true;
}

/* One name in the obsolete table; TLS_UNSET if it is not there. */
static bool find_site(struct table_list *sites, const char *name, enum tls_level *level, char **why)
{
	const char *fault = NULL, *word = table_list_get(sites, name, &fault);

	*level = TLS_UNSET;
	if (fault)
		*why = mem_str(fault);
	else if (word && !tls_policy_site(word, level))
		*why = mem_fmt("tls_per_site has no word '%s'", word);
	return !*why;
}

static bool find_sites(const struct security *s, struct security_sites *found, char **why)
{
	*why = NULL;
	*found = (struct security_sites){ TLS_UNSET, TLS_UNSET };
	return !s->tls->sites || (find_site(s->tls->sites, s->domain, &found->nexthop, why)
		&& (strcmp(s->domain, s->hostname) == 0 || find_site(s->tls->sites, s->hostname, &found->host, why)));
}

static bool ask_sites(struct security *s, char **why)
{
	if (!find_sites(s, &s->sites, why))
		return false;
	if (s->sites.nexthop != TLS_UNSET || s->sites.host != TLS_UNSET)
		s->policy.origin = "tls_per_site";
	s->policy.level = tls_policy_of_sites(s->sites.nexthop, s->sites.host, s->policy.level);
	return true;
}

/* --- whether it is so still --- */

static bool entry_is_current(const struct security *s, const char *nexthop)
{
	const char *fault, *entry;

	if (!s->tls->policies)
		return true;
	entry = find_entry(s->tls->policies, nexthop, &fault);
	return !fault && (entry && s->entry ? strcmp(entry, s->entry) == 0 : entry == s->entry);
}

static bool sites_are_current(const struct security *s)
{
	struct security_sites now;
	char *why;

	if (!find_sites(s, &now, &why)) {
		free(why);
		return false;
	}
	return now.nexthop == s->sites.nexthop && now.host == s->sites.host;
}

static bool requiretls_is_current(const struct security *s)
{
	char *why;
	enum requiretls action;

	if (s->wanted != TLS_WANTED_REQUIRED)
		return true;
	action = requiretls_policy_find(s->tls->requiretls, s->domain, &why);
	free(why);
	return action == s->requiretls;
}

bool security_is_current(const struct security *s, const char *nexthop)
{
	return (s->relaxed || (entry_is_current(s, nexthop) && sites_are_current(s))) && requiretls_is_current(s);
}

/* --- what it means for this host --- */

/* On a socket there is nobody to listen. */
static bool adapt_to_socket(struct tls_policy *p, char **why)
{
	if (p->level == TLS_MAY)
		p->level = TLS_NONE;
	if (p->level != TLS_DANE && p->level != TLS_DANE_ONLY)
		return true;
	*why = mem_fmt("level %s is not for a UNIX socket", tls_policy_level(p));
	return false;
}

static bool is_allowed(const struct security *s, const struct host *h, const char **dsn, char **why)
{
	*dsn = "4.3.0";
	if (s->wrapper && s->policy.level < TLS_ENCRYPT) {
		*why = mem_str("tls_wrappermode needs level encrypt or a stricter one");
		return false;
	}
	if (tls_policy_allows_host(&s->policy, h->name))
		return true;
	*why = mem_fmt("the MTA-STS policy of %s does not name the host %s", s->domain, h->name);
	return false;
}

bool security_needs_dane(const struct security *s)
{
	return (s->policy.level == TLS_DANE || s->policy.level == TLS_DANE_ONLY) && !s->base;
}

static bool find_anchors(struct security *s, char **why)
{
	s->anchors = s->tls->anchors;
	if (s->policy.anchors)
		s->anchors = transport_tls_anchors(s->tls, s->policy.anchors, why);
	return !s->policy.anchors || s->anchors;
}

static bool find(struct security *s, const struct transport *t, const struct host *h,
	const struct security_mail *mail, const char **dsn, char **why)
{
	*dsn = "4.7.5";
	s->relaxed = is_relaxed(t, h, mail);
	if (s->relaxed)
		relax(&s->policy, t->manner);
	else if (!find_policy(s, t, h, why) || !ask_sites(s, why))
		return false;
	if (endpoint_is_unix(&h->at) && !adapt_to_socket(&s->policy, why))
		return false;
	if (!security_needs_dane(s) && !tls_policy_complete(&s->policy, t->manner, why))
		return false;
	return find_anchors(s, why) && is_allowed(s, h, dsn, why);
}

struct security *security_new(const struct transport *t, const struct host *h, const char *myhostname,
	const struct security_mail *mail, const char **dsn, char **why)
{
	struct security *s = mem_alloc(sizeof *s);
	bool local = endpoint_is_unix(&h->at);
	char *fault = NULL;

	s->tls = &t->tls;
	s->wrapper = t->manner->tls_wrappermode;
	s->domain = mem_str(local ? myhostname : h->domain);
	s->hostname = mem_str(local ? myhostname : h->name);
	s->wanted = mail->wanted;
	if (mail->wanted == TLS_WANTED_REQUIRED)
		s->requiretls = requiretls_policy_find(t->tls.requiretls, s->domain, &s->requiretls_fault);
	if (find(s, t, h, mail, dsn, &fault))
		return s;
	*why = mem_fmt("TLS policy lookup for %s/%s: %s", s->domain, s->hostname, fault);
	free(fault);
	security_free(s);
	return NULL;
}

struct security *security_in_clear(const struct security *from)
{
	struct security *s = mem_alloc(sizeof *s);

	s->tls = from->tls;
	s->domain = mem_str(from->domain);
	s->hostname = mem_str(from->hostname);
	s->wanted = from->wanted;
	s->requiretls = from->requiretls;
	s->sites = from->sites;
	s->retry = true;
	s->policy = (struct tls_policy){ .level = TLS_NONE, .origin = from->policy.origin };
	return s;
}

void security_free(struct security *s)
{
	if (!s)
		return;
	tls_policy_clear(&s->policy);
	for (size_t i = 0; i < s->record_count; i++)
		free((void *)s->records[i].data);
	free(s->records);
	free(s->base);
	free(s->requiretls_fault);
	free(s->entry);
	free(s->domain);
	free(s->hostname);
	free(s);
}

/* --- REQUIRETLS --- */

bool security_suffices(const struct security *s, enum requiretls_lack *lack, const char **dsn, char **why)
{
	enum tls_level level = s->policy.level;

	if (s->requiretls == REQUIRETLS_ERROR) {
		*lack = REQUIRETLS_UNDECIDED;
		*dsn = "4.7.10";
		*why = mem_fmt("requiretls_policy cannot be applied to %s: %s", s->domain, s->requiretls_fault);
		return false;
	}
	*lack = s->requiretls == REQUIRETLS_STARTTLS ? REQUIRETLS_NO_ENCRYPTION : REQUIRETLS_NO_MATCH;
	*dsn = "5.7.10";
	if (s->requiretls == REQUIRETLS_STARTTLS ? level > TLS_NONE
			: s->requiretls != REQUIRETLS_ENFORCE || tls_level_authenticates(level))
		return true;
	*why = mem_fmt("The sender asks for REQUIRETLS, but TLS level %s for %s does not %s",
		tls_level_name(level), s->domain,
		s->requiretls == REQUIRETLS_STARTTLS ? "encrypt" : "authenticate the server");
	return false;
}

/* --- what the log says --- */

/* Behind the level: "?" where it was not found out, ":" and what came in its place. */
static const char *ending(const struct security *s, enum dialogue_tls_outcome outcome, bool weakened)
{
	if (s->retry)
		return ":none";
	if (s->policy.level == TLS_NONE)
		return "";
	if (outcome == DIALOGUE_TLS_OPEN)
		return "?";
	if (outcome == DIALOGUE_TLS_CLEAR)
		return ":none";
	return weakened ? ":encrypt" : "";
}

char *security_status(const struct security *s, enum dialogue_tls_outcome tls, bool weakened,
	struct requiretls_outcome requiretls)
{
	struct buf status;

	buf_init(&status, STATUS_MAX);
	buf_fmt(&status, "%s%s%s", tls == DIALOGUE_TLS_VIOLATED ? "!" : "",
		s->retry ? "may" : tls_policy_level(&s->policy), ending(s, tls, weakened));
	if (s->requiretls != REQUIRETLS_OFF) {
		buf_char(&status, '/');
		requiretls_describe(requiretls, &status);
	}
	return buf_take(&status);
}

/* --- the connection --- */

static enum tls_trust trust_of(const struct security *s)
{
	switch (s->policy.level) {
	case TLS_DANE:
	case TLS_DANE_ONLY:
		return TLS_TRUST_DANE;
	case TLS_FINGERPRINT:
		return TLS_TRUST_FINGERPRINT;
	case TLS_VERIFY:
	case TLS_SECURE:
		return s->anchors ? TLS_TRUST_ANCHORS : TLS_TRUST_CA;
	default:
		return TLS_TRUST_ANYBODY;
	}
}

/* Whom a certificate may be for. With DANE, and a certificate that somebody else vouches for, the name that
 * has the records, and the domain whose mail it is (RFC 7672 3.2.3). */
void security_names(const struct security *s, struct buf *names)
{
	enum tls_trust trust = trust_of(s);
	char host[] = "hostname", host_and_domain[] = "hostname nexthop";
	struct tls_policy dane = { .match = s->mx_used ? host_and_domain : host };

	if (trust == TLS_TRUST_ANYBODY || trust == TLS_TRUST_FINGERPRINT)
		return;
	if (s->base)
		tls_policy_names(&dane, s->domain, s->base, names);
	else
		tls_policy_names(&s->policy, s->domain, s->hostname, names);
}

void security_wish(const struct security *s, const struct manner *m, struct security_wish *out)
{
	buf_init(&out->ciphers, CIPHERS_MAX);
	buf_init(&out->names, NAMES_MAX);
	tls_policy_ciphers(&s->policy, &s->tls->ciphers, &out->ciphers);
	security_names(s, &out->names);
	out->wish = (struct tls_wish){
		.trust = trust_of(s), .authenticate = tls_level_authenticates(s->policy.level),
		.protocols = s->policy.protocols, .ciphers = buf_text(&out->ciphers),
		.servername = s->base ? s->base
			: tls_policy_servername(&s->policy, s->domain, s->hostname, out->servername),
		.names = out->names.len > 0 ? out->names.data : NULL, .anchors = s->anchors,
		.records = s->records, .record_count = s->record_count,
		.fingerprints = s->policy.match, .digest = m->tls_fingerprint_digest,
		.depth = (int)m->tls_scert_verifydepth, .raw_key = s->policy.raw_key > 0,
	};
}

void security_wish_clear(struct security_wish *w)
{
	buf_free(&w->ciphers);
	buf_free(&w->names);
}
