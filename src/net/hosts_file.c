#include "net/hosts_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/address/domain.h"

struct entry {
	struct list in;
	struct endpoint *addresses;
	size_t count;
};

struct hosts_file {
	struct map *by_name;      /* to struct entry */
	struct list entries;
};

static struct entry *entry_of(struct hosts_file *h, struct text name)
{
	char key[DOMAIN_SIZE];
	struct text k = text_of(domain_key(name, key));
	struct entry *e = map_get(h->by_name, k.p, k.n);

	if (e)
		return e;
	e = mem_alloc(sizeof *e);
	list_append(&h->entries, &e->in);
	map_put(h->by_name, k.p, k.n, e);
	return e;
}

static void entry_add(struct entry *e, const struct endpoint *address)
{
	for (size_t i = 0; i < e->count; i++)
		if (endpoint_same(&e->addresses[i], address))
			return;
	e->addresses = mem_grow(e->addresses, e->count + 1, sizeof e->addresses[0]);
	e->addresses[e->count++] = *address;
}

static void take_line(struct hosts_file *h, struct text line)
{
	struct endpoint address;
	struct text word, code;
	char numeric[ENDPOINT_TEXT_SIZE];

	if (text_until(&line, '#', &code))
		line = code;
	line = text_trim(line);
	if (!text_word(&line, &word) || word.n >= sizeof numeric)
		return;
	snprintf(numeric, sizeof numeric, "%.*s", (int)word.n, word.p);
	if (!endpoint_inet(&address, numeric, 0))
		return;
	while (text_word(&line, &word))
		entry_add(entry_of(h, word), &address);
}

struct hosts_file *hosts_file_read(const char *path)
{
	struct hosts_file *h = mem_alloc(sizeof *h);
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	list_init(&h->entries);
	h->by_name = map_new();
	while (f && (n = getline(&line, &room, f)) > 0)
		take_line(h, text_make(line, line[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n));
	free(line);
	if (f)
		fclose(f);
	return h;
}

void hosts_file_free(struct hosts_file *h)
{
	if (!h)
		return;
	LIST_EACH(at, &h->entries) {
		struct entry *e = LIST_OF(at, struct entry, in);

		free(e->addresses);
		free(e);
	}
	map_free(h->by_name);
	free(h);
}

const struct endpoint *hosts_file_find(const struct hosts_file *h, const char *name, size_t *count)
{
	char key[DOMAIN_SIZE];
	struct text k = text_of(domain_key(text_of(name), key));
	const struct entry *e = map_get(h->by_name, k.p, k.n);

	*count = e ? e->count : 0;
	return e ? e->addresses : NULL;
}
