#include "daemon/config/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/config/config_parse.h"

/* Options of transports at the top level, each of which takes one more parse. */
enum { NAMES_MAX = 100 };

struct config_entry *config_entries_new(struct config_entries *all, char *place, char *path)
{
	struct config_entry *entry;

	all->list = mem_grow(all->list, all->count + 1, sizeof(*all->list));
	entry = &all->list[all->count++];
	*entry = (struct config_entry){ .place = place, .path = path };
	return entry;
}

void config_entry_add(struct config_entry *entry, const char *value)
{
	entry->elements = mem_grow(entry->elements, entry->count + 1, sizeof(*entry->elements));
	entry->elements[entry->count++] = mem_str(value);
}

void config_entries_add(struct config_entries *all, const char *place, const char *path, const char *value)
{
	config_entry_add(config_entries_new(all, mem_str(place), mem_str(path)), value);
}

void config_entries_free(struct config_entries *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct config_entry *entry = &all->list[i];

		for (size_t n = 0; n < entry->count; n++)
			free(entry->elements[n]);
		free(entry->elements);
		free(entry->place);
		free(entry->path);
	}
	free(all->list);
	free(all->hostname);
	*all = (struct config_entries){ NULL, 0, NULL };
}

static const char *next_field(struct text *from)
{
	struct text field;

	return text_until(from, '\0', &field) ? field.p : "";
}

static void take_entry(struct text *from, struct config_entries *all)
{
	const char *place = next_field(from), *path = next_field(from);
	struct config_entry *entry = config_entries_new(all, mem_str(place), mem_str(path));

	entry->braces = *next_field(from);
	for (size_t n = strtoul(next_field(from), NULL, 10); n > 0 && from->n > 0; n--)
		config_entry_add(entry, next_field(from));
}

static void add_name(struct config_names *names, const char *name)
{
	names->list = mem_grow(names->list, names->count + 1, sizeof(*names->list));
	names->list[names->count++] = mem_str(name);
}

/* True if the record ends as a good one does. */
static bool take_record(struct text from, struct config_entries *all, struct config_names *names, char **why)
{
	while (from.n > 0) {
		switch (*next_field(&from)) {
		case CONFIG_VALUE:
			take_entry(&from, all);
			break;
		case CONFIG_HOSTNAME:
			all->hostname = mem_str(next_field(&from));
			break;
		case CONFIG_ERROR:
			*why = mem_str(next_field(&from));
			return false;
		case CONFIG_UNKNOWN:
			add_name(names, next_field(&from));
			return false;
		case CONFIG_DONE:
			return true;
		}
	}
	return false;
}

static void read_all(int fd, struct buf *out)
{
	char bytes[16384];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && !buf_add(out, bytes, (size_t)n))
			break;
}

/* False without *why: there are more names, try again. */
static bool parse_in_child(const char *file, FILE *fp, struct config_entries *all, struct config_names *names,
	char **why)
{
	size_t names_before = names->count;
	struct buf out;
	int ends[2];
	pid_t pid;
	bool good;

	if (pipe(ends) != 0 || (pid = fork()) < 0) {
		*why = mem_fmt("%s: cannot be read now: %s", file, strerror(errno));
		return false;
	}
	if (pid == 0)
		config_parse(file, fp, names, ends[1]);
	close(ends[1]);
	buf_init(&out, CONFIG_BYTES_MAX);
	read_all(ends[0], &out);
	close(ends[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	good = take_record(text_make(out.data, out.len), all, names, why);
	if (!good && !*why && names->count > NAMES_MAX)
		*why = mem_fmt("%s: more than %d options of transports at the top level", file, NAMES_MAX);
	if (!good && !*why && names->count == names_before)
		*why = mem_fmt("%s: cannot be parsed, or is too large", file);
	buf_free(&out);
	return good;
}

static bool parse(const char *file, FILE *fp, struct config_entries *all, char **why)
{
	struct config_names names = { NULL, 0 };
	bool good = false;

	while (!good && !*why) {
		rewind(fp);
		good = parse_in_child(file, fp, all, &names, why);
	}
	for (size_t i = 0; i < names.count; i++)
		free(names.list[i]);
	free(names.list);
	return good;
}

bool config_file_read(const char *file, struct config_entries *all, char **why)
{
	FILE *fp = fopen(file, "re");
	struct stat st;
	bool good;

	*why = NULL;
	*all = (struct config_entries){ NULL, 0, NULL };
	if (!fp || fstat(fileno(fp), &st) != 0 || S_ISDIR(st.st_mode)) {
		*why = mem_fmt("%s: %s", file, fp ? "is a directory" : strerror(errno));
		if (fp)
			fclose(fp);
		return false;
	}
	good = parse(file, fp, all, why);
	fclose(fp);
	if (!good)
		config_entries_free(all);
	return good;
}
