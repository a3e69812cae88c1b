#include "courier/debug_peers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "table/table.h"

#define LIST_MAX (1024 * 1024)

struct debug_peers {
	struct table_list *list;
};

/* A network is what a table of type cidr has; a word with a slash in front is the name of a file. */
static bool is_network(struct text word)
{
	return word.n > 0 && (isdigit((unsigned char)*word.p) || *word.p == '[') && memchr(word.p, '/', word.n);
}

struct debug_peers *debug_peers_new(const char *list, char **why)
{
	struct debug_peers *p = mem_alloc(sizeof *p);
	struct text rest = text_of(list), word;
	struct buf words;

	buf_init(&words, LIST_MAX);
	while (text_list_next(&rest, &word))
		buf_fmt(&words, is_network(word) ? "cidr:{{%.*s yes}} " : "%.*s ", (int)word.n, word.p);
	p->list = table_list_open(buf_text(&words), why);
	buf_free(&words);
	if (p->list)
		return p;
	free(p);
	return NULL;
}

void debug_peers_free(struct debug_peers *p)
{
	if (!p)
		return;
	table_list_free(p->list);
	free(p);
}

bool debug_peers_has(const struct debug_peers *p, const char *name)
{
	const char *why;

	if (table_list_get(p->list, name, &why) || table_list_has_domain(p->list, name, &why))
		return true;
	for (name = strchr(name, '.'); name; name = strchr(name + 1, '.'))
		if (table_list_get_part(p->list, name + 1, &why))
			return true;
	return false;
}
