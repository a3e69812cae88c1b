#include "courier/hosts/hosts_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	/* for the answer to a question; its next attempt may find it in the cache */
	PATIENCE_MS = 30 * 1000,
	REMEMBER_MS = 5 * 60 * 1000        /* addresses that do not answer */
};

static bool protocol_is_on(const char *inet_protocols, const char *name)
{
	struct text rest = text_of(inet_protocols), word;

	while (text_list_next(&rest, &word))
		if (text_is_nocase(word, name) || text_is_nocase(word, "all"))
			return true;
	return false;
}

static bool begins_with(const char *inet_protocols, const char *name)
{
	struct text rest = text_of(inet_protocols), word;

	return text_list_next(&rest, &word) && text_is_nocase(word, name);
}

/* The last "search" or "domain" of resolv.conf(5), or NULL. */
static char *system_search(void)
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	char *line = NULL, *found = NULL;
	size_t room = 0;
	ssize_t n;

	while (f && (n = getline(&line, &room, f)) > 0) {
		struct text rest = text_make(line, line[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n), word;

		if (!text_word(&rest, &word) || (!text_is(word, "search") && !text_is(word, "domain")))
			continue;
		rest = text_trim(rest);
		free(found);
		found = mem_strn(rest.p, rest.n);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* With servers of our own the system's file counts for nothing. */
static char *search_list(const struct settings *s)
{
	char *found = *s->resolver_servers ? NULL : system_search();

	return found ? found : mem_str(s->mydomain);
}

/* What validates nothing must not do so in silence: TLS levels dane and dane-only are built on it. */
static void warn_of_no_anchor(const char *file)
{
	if (*file && access(file, R_OK) != 0)
		log_line(LOG_LEVEL_WARNING, "courier", NULL, "resolver.trust_anchor_file: '%s' cannot be read: %s; "
			"DNS answers are not validated until this is mended and the daemon reloaded", file,
			strerror(errno));
}

bool hosts_setup_open(struct hosts_setup *h, struct loop *loop, struct link *link, const struct settings *s,
	char **why)
{
	*h = (struct hosts_setup){ .loop = loop, .settings = s };
	h->ipv4 = protocol_is_on(s->inet_protocols, "ipv4");
	h->ipv6 = protocol_is_on(s->inet_protocols, "ipv6");
	h->ipv6_first = begins_with(s->inet_protocols, "ipv6");
	h->hosts_file = hosts_file_read(s->resolver_hosts_file);
	h->own = own_addresses_new(s->inet_interfaces, s->proxy_interfaces, h->hosts_file);
	h->dead = dead_addresses_new(loop, link, REMEMBER_MS);
	h->search = search_list(s);
	warn_of_no_anchor(s->resolver_trust_anchor_file);
	h->resolver = resolver_new(loop, &(struct resolver_setup){
		.servers = s->resolver_servers, .trust_anchor_file = s->resolver_trust_anchor_file,
		.patience = PATIENCE_MS }, why);
	if (h->resolver)
		h->probe = dnssec_probe_new(h->resolver, s->dnssec_probe);
	return h->resolver;
}

void hosts_setup_close(struct hosts_setup *h)
{
	dnssec_probe_free(h->probe);
	resolver_free(h->resolver);
	free(h->search);
	dead_addresses_free(h->dead);
	own_addresses_free(h->own);
	hosts_file_free(h->hosts_file);
}
