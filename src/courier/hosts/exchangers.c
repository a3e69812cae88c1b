#include "courier/hosts/exchangers.h"

#include <stdio.h>
#include <string.h>

#include "format/address/domain.h"

static bool has_root(const struct lookup_answer *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->records[i].name, ".") == 0)
			return true;
	return false;
}

/* A numeric address where a name should stand is used as what it is. */
static bool is_host(const struct lookup_for *of, const char *domain, const char *name)
{
	const char *why;

	if (domain_numeric(text_of(name)) != DOMAIN_NAME) {
		lookup_note(of, "warning: %s: its DNS record names the address %s instead of a host", domain, name);
		return true;
	}
	if (domain_check(text_of(name), &why))
		return true;
	lookup_note(of, "warning: %s: its DNS record names %s, which is not a host: %s", domain, name, why);
	lookup_left_out(of, name, NULL, "not the name of a host");
	return false;
}

static void take(const struct lookup_for *of, const char *domain, const struct lookup_answer *a,
	struct targets *out)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct dnsrecord *r = &a->records[i];

		if (is_host(of, domain, r->name))
			targets_add(out, r->name, r->preference, r->weight, r->port);
	}
}

static enum exchangers fail(const char *why, const char *code, const char **dsn, char *text, size_t size)
{
	*dsn = code;
	snprintf(text, size, "%s", why);
	return EXCHANGERS_FAILED;
}

enum exchangers exchangers_read(const struct lookup_for *of, const char *domain, const char *service,
	const struct lookup_answer *a, struct targets *out, const char **dsn, char *text, size_t size)
{
	if (a->status == LOOKUP_NOTHING) {
		fail(a->text, lookup_dsn(a->status), dsn, text, size);
		return EXCHANGERS_NONE;
	}
	if (a->status != LOOKUP_FOUND)
		return fail(a->text, lookup_dsn(a->status), dsn, text, size);
	if (has_root(a)) {
		*dsn = "5.1.0";
		if (service)
			snprintf(text, size, "Service %s for %s is not available (null SRV)", service, domain);
		else
			snprintf(text, size, "Domain %s does not accept mail (nullMX)", domain);
		return EXCHANGERS_NULL;
	}
	take(of, domain, a, out);
	if (out->count == 0) {
		snprintf(text, size, "the %s records of %s name no host", service ? "SRV" : "MX", domain);
		*dsn = lookup_dsn(LOOKUP_INVALID);
		return EXCHANGERS_FAILED;
	}
	if (service)
		targets_sort_srv(out);
	else
		targets_sort(out);
	return EXCHANGERS_FOUND;
}
