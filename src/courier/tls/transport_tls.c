#include "courier/tls/transport_tls.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "courier/tls/tls_loglevel.h"
#include "format/address/domain.h"
#include "talk/tls_log.h"

static struct tls_setup setup_of(const struct manner *m, const struct settings_tls *s, bool for_check)
{
	return (struct tls_setup){
		.chain_files = m->tls_chain_files, .cert_file = m->tls_cert_file, .key_file = m->tls_key_file,
		.eccert_file = m->tls_eccert_file, .eckey_file = m->tls_eckey_file,
		.dcert_file = m->tls_dcert_file, .dkey_file = m->tls_dkey_file,
		.ca_file = m->tls_cafile, .ca_path = m->tls_capath, .append_default_ca = s->append_default_ca,
		.eecdh_auto_curves = s->eecdh_auto_curves, .ffdhe_auto_groups = s->ffdhe_auto_groups,
		.disable_workarounds = s->disable_workarounds, .ssl_options = s->ssl_options,
		.dane_digests = s->dane_digests, .keep_bounds = *s->config_file == '/', .without_keys = for_check,
	};
}

/* The option that names the file of a member of the setup. */
static const char *option_of(const char *member)
{
	static const char *const options[] = {
		"tls_chain_files", "tls_cert_file", "tls_eccert_file", "tls_dcert_file", "tls_CAfile", "tls_CApath",
	};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (strcmp(options[i] + strlen("tls_"), member) == 0)
			return options[i];
	return "tls_CAfile";
}

static bool make_context(struct transport_tls *t, const struct manner *m, const struct settings *s,
	bool for_check, const char **option, char **why)
{
	struct tls_setup setup = setup_of(m, &s->tls, for_check);
	const char *member;

	t->context = tls_context_new(&setup, &member, why);
	if (t->context)
		return true;
	*option = option_of(member);
	if (for_check)
		return false;
	t->problem = mem_fmt("%s: %s", *option, *why);
	free(*why);
	*why = NULL;
	return true;
}

static bool read_anchors(struct transport_tls *t, const struct manner *m, const char **option, char **why)
{
	*option = "tls_trust_anchor_file";
	if (*m->tls_trust_anchor_file)
		t->anchors = tls_anchors_new(m->tls_trust_anchor_file, why);
	return !*m->tls_trust_anchor_file || t->anchors;
}

/* A list of tables takes the place of the obsolete one. */
static bool open_tables(struct transport_tls *t, const struct manner *m, const char **option, char **why)
{
	struct table_list **tables = *m->tls_policy_maps ? &t->policies : &t->sites;
	const char *list = *m->tls_policy_maps ? m->tls_policy_maps : m->tls_per_site;

	*option = *m->tls_policy_maps ? "tls_policy_maps" : "tls_per_site";
	if (*list)
		*tables = table_list_open_tables(list, why);
	return !*list || *tables;
}

static bool open_requiretls(struct transport_tls *t, const struct manner *m, const char **option, char **why)
{
	*option = "requiretls_policy";
	t->requiretls = requiretls_policy_open(m->requiretls_policy, why);
	return t->requiretls;
}

/* The list of domains in parent_domain_matches_subdomains is named with the protocol. */
static bool read_log(struct transport_tls *t, const struct manner *m, const struct settings *s,
	const char **option, char **why)
{
	const char *name = m->protocol == PROTOCOL_LMTP ? "lmtp_tls_loglevel_maps" : "smtp_tls_loglevel_maps";

	*option = "tls_loglevel_maps";
	t->log = tls_log_words(m->tls_loglevel);
	t->log_below = text_list_has(s->parent_domain_matches_subdomains, name);
	if (*m->tls_loglevel_maps)
		t->log_levels = table_list_open_tables(m->tls_loglevel_maps, why);
	return !*m->tls_loglevel_maps || t->log_levels;
}

/* The sandbox lets a courier read few places, so what entries name is read ahead of it. */
struct reading {
	struct transport_tls *t;
	bool for_check;
	char *why;
};

static void read_anchors_of(void *arg, const char *entry)
{
	struct reading *r = arg;
	struct tls_policy p;
	char *complaint = NULL;

	if (r->why || !tls_policy_read(&p, entry, &complaint)) {
		free(complaint);   /* its mail hears of it */
		return;
	}
	if (p.anchors && !transport_tls_anchors(r->t, p.anchors, &complaint) && r->for_check)
		r->why = mem_fmt("the entry '%s': %s", entry, complaint);
	free(complaint);
	tls_policy_clear(&p);
}

static bool read_anchors_of_entries(struct transport_tls *t, bool for_check, const char **option, char **why)
{
	struct reading r = { t, for_check, NULL };

	*option = "tls_policy_maps";
	if (t->policies)
		table_list_each_value(t->policies, read_anchors_of, &r);
	*why = r.why;
	return !r.why;
}

static bool check_protocols(const char *list, const char *name, const char **option, char **why)
{
	*option = name;
	*why = tls_protocols_check(list);
	return !*why;
}

static bool check_exclusions(const char *list, const char *name, const char **option, char **why)
{
	*option = name;
	return tls_policy_exclusions(list, why);
}

static bool check_words(const struct manner *m, const char **option, char **why)
{
	const char *complaint;

	if (!check_exclusions(m->tls_exclude_ciphers, "tls_exclude_ciphers", option, why)
			|| !check_exclusions(m->tls_mandatory_exclude_ciphers, "tls_mandatory_exclude_ciphers", option,
				why))
		return false;
	if (!check_protocols(m->tls_protocols, "tls_protocols", option, why)
			|| !check_protocols(m->tls_mandatory_protocols, "tls_mandatory_protocols", option, why))
		return false;
	*option = "tls_servername";
	if (*m->tls_servername && !domain_check(text_of(m->tls_servername), &complaint)) {
		*why = mem_fmt("'%s' is not a host name: %s", m->tls_servername, complaint);
		return false;
	}
	*option = "tls_fingerprint_digest";
	if (!tls_digest_known(m->tls_fingerprint_digest))
		*why = mem_fmt("OpenSSL knows no digest '%s'", m->tls_fingerprint_digest);
	return !*why;
}

/* What every connection would complain of. */
static bool check_level(const struct manner *m, const char **option, char **why)
{
	struct tls_policy p;
	bool good;

	*option = "tls_security_level";
	tls_policy_default(&p, m);
	good = tls_policy_complete(&p, m, why);
	tls_policy_clear(&p);
	return good;
}

bool transport_tls_read(struct transport_tls *t, const struct manner *m, const struct settings *s,
	bool for_check, const char **option, char **why)
{
	*t = (struct transport_tls){ .ciphers = { s->tls.high_cipherlist, s->tls.medium_cipherlist,
		s->tls.null_cipherlist } };
	t->anchors_of = map_new();
	return read_log(t, m, s, option, why) && check_words(m, option, why) && check_level(m, option, why)
		&& make_context(t, m, s, for_check, option, why)
		&& read_anchors(t, m, option, why) && open_tables(t, m, option, why)
		&& open_requiretls(t, m, option, why)
		&& read_anchors_of_entries(t, for_check, option, why);
}

const struct tls_anchors *transport_tls_anchors(const struct transport_tls *t, const char *files, char **why)
{
	struct tls_anchors *a = map_get(t->anchors_of, files, strlen(files));

	if (a)
		return a;
	a = tls_anchors_new(files, why);
	if (a)
		map_put(t->anchors_of, files, strlen(files), a);
	return a;
}

void transport_tls_off(struct transport_tls *t, const char *why)
{
	tls_context_free(t->context);
	t->context = NULL;
	free(t->problem);
	t->problem = mem_str(why);
}

void transport_tls_tell(const struct transport_tls *t, const char *transport)
{
	if (t->problem)
		log_line(LOG_LEVEL_WARNING, "courier", NULL, "transport %s: TLS is off: %s", transport, t->problem);
}

unsigned transport_tls_log(const struct transport_tls *t, const char *name, const char *address)
{
	return t->log_levels ? tls_loglevel_of(t->log_levels, t->log_below, name, address, t->log) : t->log;
}

void transport_tls_clear(struct transport_tls *t)
{
	size_t cursor = 0;
	struct tls_anchors *a;

	while (t->anchors_of && (a = map_next(t->anchors_of, &cursor)))
		tls_anchors_free(a);
	if (t->anchors_of)
		map_free(t->anchors_of);
	tls_context_free(t->context);
	tls_anchors_free(t->anchors);
	table_list_free(t->policies);
	table_list_free(t->sites);
	table_list_free(t->log_levels);
	requiretls_policy_free(t->requiretls);
	free(t->problem);
}
