#include "courier/session/debug_peers.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/endpoint.h"
#include "table/match_list.h"

struct debug_peers {
	struct match_list *list;
	enum match_reach reach;      /* of names */
};

struct debug_peers *debug_peers_new(const struct settings *s, char **why)
{
	struct match_list *list = match_list_open(s->debug_peer_list, MATCH_FILES, why);
	struct debug_peers *p;

	if (!list)
		return NULL;
	p = mem_alloc(sizeof *p);
	p->list = list;
	p->reach = text_list_has(s->parent_domain_matches_subdomains, "debug_peer_list")
		? MATCH_BELOW : MATCH_DOTTED;
	return p;
}

void debug_peers_free(struct debug_peers *p)
{
	if (!p)
		return;
	match_list_free(p->list);
	free(p);
}

bool debug_peers_has(const struct debug_peers *p, const char *name)
{
	struct endpoint address;
	const char *why;

	return match_list_has(p->list, name, endpoint_inet(&address, name, 0) ? MATCH_ITSELF : p->reach, &why);
}
