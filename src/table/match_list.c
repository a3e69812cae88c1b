#include "table/match_list.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "table/lines.h"
#include "table/table.h"
#include "table/type.h"

enum { FILES_MAX = 8 };      /* that name each other */

struct rule {
	bool excepts;
	char *word;
	struct table *table;
};

struct match_list {
	struct rule *rules;
	size_t count;
};

/* A list while it is read. */
struct reading {
	struct match_list *list;
	enum match_slash slash;
	unsigned depth;
};

static bool read_list(const struct reading *r, struct text list, char **why);

/* --- reading --- */

static struct rule *add_rule(const struct reading *r, bool excepts)
{
	struct match_list *l = r->list;

	l->rules = mem_grow(l->rules, l->count + 1, sizeof *l->rules);
	l->rules[l->count] = (struct rule){ .excepts = excepts };
	return &l->rules[l->count++];
}

static bool take_line(void *arg, unsigned number, struct text line, char **why)
{
	(void)number;
	return read_list(arg, line, why);
}

static bool read_file(const struct reading *r, const char *path, char **why)
{
	struct reading inner = { r->list, r->slash, r->depth + 1 };
	struct lines lines = { take_line, &inner };
	char *complaint;
	bool fine;

	if (inner.depth > FILES_MAX) {
		*why = mem_fmt("%s: files that name each other", path);
		return false;
	}
	fine = lines_of_file(&lines, path, &complaint);
	if (!fine) {
		*why = mem_fmt("%s: %s", path, complaint);
		free(complaint);
	}
	return fine;
}

/* In brackets if one likes. */
static bool is_address(const char *element, size_t n)
{
	unsigned char address[sizeof(struct in6_addr)];
	bool bare = n < 2 || *element != '[' || element[n - 1] != ']', good;
	char *copy = bare ? mem_strn(element, n) : mem_strn(element + 1, n - 2);

	good = inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1;
	free(copy);
	return good;
}

/* An address, and how much of it counts; what only looks like one is for the table to complain of. */
static bool is_network(const char *element)
{
	const char *slash = strchr(element, '/');

	return slash && (isdigit((unsigned char)*element) || is_address(element, (size_t)(slash - element)));
}

/* Addresses have colons too. */
static bool is_table(const char *element)
{
	return table_is_spec(text_of(element)) && !is_address(element, strlen(element));
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool add_table(const struct reading *r, bool excepts, const char *spec, char **why)
{
	struct table *table = table_open(spec, why);

	if (table)
		add_rule(r, excepts)->table = table;
	return table;
}

static bool add_network(const struct reading *r, bool excepts, const char *network, char **why)
{
	char *spec = mem_fmt("cidr:{{%s yes}}", network);
	bool good = add_table(r, excepts, spec, why);

	free(spec);
	return good;
}

/* What stands in a file behind "!" is excepted as a whole, as it is said of a table. */
static bool read_excepted_file(const struct reading *r, const char *path, char **why)
{
	size_t i = r->list->count;

	if (!read_file(r, path, why))
		return false;
	for (; i < r->list->count; i++)
		r->list->rules[i].excepts = !r->list->rules[i].excepts;
	return true;
}

static bool read_pattern(const struct reading *r, bool excepts, const char *element, char **why)
{
	if (*element == '/' && (r->slash == MATCH_FILES || is_file(element)))
		return excepts ? read_excepted_file(r, element, why) : read_file(r, element, why);
	if (is_network(element))
		return add_network(r, excepts, element, why);
	if (is_table(element))
		return add_table(r, excepts, element, why);
	add_rule(r, excepts)->word = mem_str(element);
	return true;
}

static bool read_element(const struct reading *r, struct text element, char **why)
{
	bool excepts = false, good;
	char *pattern;

	for (; element.n && *element.p == '!'; element = text_make(element.p + 1, element.n - 1))
		excepts = !excepts;
	if (element.n == 0) {
		*why = mem_str("nothing stands behind a !");
		return false;
	}
	pattern = mem_strn(element.p, element.n);
	good = read_pattern(r, excepts, pattern, why);
	free(pattern);
	return good;
}

static bool read_list(const struct reading *r, struct text list, char **why)
{
	struct text element;

	while (text_list_next(&list, &element))
		if (!read_element(r, element, why))
			return false;
	return true;
}

struct match_list *match_list_open(const char *list, enum match_slash slash, char **why)
{
	struct match_list *l = mem_alloc(sizeof *l);
	struct reading r = { l, slash, 0 };

	if (read_list(&r, text_of(list), why))
		return l;
	match_list_free(l);
	return NULL;
}

void match_list_free(struct match_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++) {
		free(l->rules[i].word);
		table_free(l->rules[i].table);
	}
	free(l->rules);
	free(l);
}

/* --- asking --- */

/* Whether the key is a name below the word. */
static bool is_below(struct text key, struct text word, enum match_reach reach)
{
	struct text end;

	if (reach == MATCH_ITSELF || key.n <= word.n || word.n == 0)
		return false;
	end = text_make(key.p + key.n - word.n, word.n);
	if (*word.p != '.' && (reach != MATCH_BELOW || end.p[-1] != '.'))
		return false;
	return text_is_nocase(end, word.p);
}

static bool word_has(const char *word, const char *key, enum match_reach reach)
{
	return text_is_nocase(text_of(key), word) || is_below(text_of(key), text_of(word), reach);
}

static bool table_has(struct table *t, const char *key, enum match_reach reach, const char **why)
{
	bool found = table_get(t, key, why);

	if (reach == MATCH_ITSELF)
		return found;
	for (const char *dot = strchr(key, '.'); dot && !found && !*why; dot = strchr(dot + 1, '.')) {
		found = table_get_part(t, dot, why);
		if (!found && !*why && reach == MATCH_BELOW)
			found = table_get_part(t, dot + 1, why);
	}
	return found;
}

bool match_list_has(const struct match_list *l, const char *key, enum match_reach reach, const char **why)
{
	*why = NULL;
	for (size_t i = 0; i < l->count && !*why; i++) {
		const struct rule *r = &l->rules[i];

		if (r->word ? word_has(r->word, key, reach) : table_has(r->table, key, reach, why))
			return !r->excepts;
	}
	return false;
}

bool match_list_empty(const struct match_list *l)
{
	return l->count == 0;
}
