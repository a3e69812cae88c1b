#include "net/resolver_context.h"

#include <stdio.h>
#include <unistd.h>

#include <unbound.h>
#include <unbound-event.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/endpoint.h"

#define CLASS_IN 1

/* Zones that libunbound would answer by itself; what the servers say counts for these too. */
static const char *const built_in_zones[] = {
	"test.", "invalid.", "onion.", "home.arpa.", "resolver.arpa.", "service.arpa.",
};

static const struct {
	const char *name, *value;
} options[] = {
	{ "do-not-query-localhost:", "no" },
	{ "unblock-lan-zones:", "yes" },
	/* a server that was down is asked again when it may be back, and not only after a quarter of an hour */
	{ "infra-host-ttl:", "30" },
	{ "infra-keep-probing:", "yes" },
};

static int set_servers(struct ub_ctx *ctx, const char *servers)
{
	struct text list = text_of(servers), server;
	char address[ENDPOINT_TEXT_SIZE];
	int error = 0;

	if (text_trim(list).n == 0) {
		ub_ctx_resolvconf(ctx, NULL);
		return 0;
	}
	while (!error && text_list_next(&list, &server)) {
		snprintf(address, sizeof address, "%.*s", (int)server.n, server.p);
		error = ub_ctx_set_fwd(ctx, address);
	}
	return error;
}

static int set_up(struct ub_ctx *ctx, const struct resolver_setup *setup)
{
	int error = set_servers(ctx, setup->servers);

	ub_ctx_debuglevel(ctx, 0);
	ub_ctx_debugout(ctx, NULL);
	if (!error && setup->trust_anchor_file[0] && access(setup->trust_anchor_file, R_OK) == 0)
		error = ub_ctx_add_ta_file(ctx, setup->trust_anchor_file);
	for (size_t i = 0; !error && i < sizeof options / sizeof options[0]; i++)
		error = ub_ctx_set_option(ctx, options[i].name, options[i].value);
	for (size_t i = 0; !error && i < sizeof built_in_zones / sizeof built_in_zones[0]; i++)
		error = ub_ctx_zone_remove(ctx, built_in_zones[i]);
	return error;
}

static void warmed_up(void *arg, int rcode, void *packet, int size, int sec, char *why_bogus,
	int ratelimited)
{
	(void)arg, (void)rcode, (void)packet, (void)size, (void)sec, (void)why_bogus, (void)ratelimited;
}

/* libunbound reads its files and starts its worker at the first question; localhost is one that needs no
 * network. */
static int warm_up(struct ub_ctx *ctx)
{
	return ub_resolve_event(ctx, "localhost.", DNSMSG_A, CLASS_IN, NULL, warmed_up, NULL);
}

struct ub_ctx *resolver_context_new(struct loop *loop, const struct resolver_setup *setup, char **why)
{
	struct ub_ctx *ctx = mem_check(ub_ctx_create_event(loop_base(loop)));
	int error = set_up(ctx, setup);

	if (!error)
		error = warm_up(ctx);
	if (!error)
		return ctx;
	*why = mem_fmt("resolver: %s (servers \"%s\", trust_anchor_file \"%s\")", ub_strerror(error),
		setup->servers, setup->trust_anchor_file);
	ub_ctx_delete(ctx);
	return NULL;
}

void resolver_context_free(struct ub_ctx *ctx)
{
	ub_ctx_delete(ctx);
}
