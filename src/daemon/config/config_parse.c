#include "daemon/config/config_parse.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "daemon/config/config_file.h"
#include "daemon/config/config_schema.h"
#include "settings/settings.h"
#include "settings/settings_rows.h"

enum { ELEMENTS_MAX = 100000 };

/* State of the one parse that a child process makes; libconfuse's call-backs carry no argument of ours. */
static struct {
	cfg_t *root;
	const char *file;
	struct config_entries entries;
	struct buf out;
} reading;

/* --- what was read --- */

/* Sections that exist from the start have no file name, the top level always has one. */
static char *place_of(const cfg_t *cfg, int line)
{
	const char *file = cfg->filename ? cfg->filename : reading.root->filename;

	return line ? mem_fmt("%s:%d", file, line) : mem_str(file);
}

static char *path_of(const cfg_t *cfg, const char *name)
{
	if (cfg == reading.root)
		return mem_str(name);
	if (cfg->title)
		return mem_fmt("%s.%s.%s", cfg->name, cfg->title, name);
	return mem_fmt("%s.%s", cfg->name, name);
}

/* The entry that further elements of a list belong to. */
static struct config_entry *find_entry(const char *path)
{
	for (size_t i = reading.entries.count; i > 0; i--)
		if (strcmp(reading.entries.list[i - 1].path, path) == 0)
			return &reading.entries.list[i - 1];
	return NULL;
}

static int value_read(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	char *path = path_of(cfg, opt->name);
	struct config_entry *entry = opt->nvalues > 1 ? find_entry(path) : NULL;

	if (entry)
		free(path);
	else
		entry = config_entries_new(&reading.entries, place_of(cfg, cfg->line), path);
	config_entry_add(entry, value);
	*(const char **)result = value;
	return entry->count > ELEMENTS_MAX;
}

/* Comes behind each value, and once more behind a closing brace: one call more than values means braces. */
static int value_checked(cfg_t *cfg, cfg_opt_t *opt)
{
	char *path = path_of(cfg, opt->name);
	struct config_entry *entry = find_entry(path);

	free(path);
	if (entry)
		entry->checks++;
	return 0;
}

static void emit(const char *field)
{
	buf_add(&reading.out, field, strlen(field) + 1);
}

static void emit_complaint(const char *place, const char *what)
{
	char *text = text_cleaned(what, 1000), *whole = mem_fmt("%s: %s", place, text);

	emit("E");
	emit(whole);
	free(text);
	free(whole);
}

static void complain_at(const char *file, size_t line, const char *format, ...)
{
	struct buf what;
	va_list args;
	char *place = mem_fmt("%s:%zu", file, line);

	buf_init(&what, 4096);
	va_start(args, format);
	buf_vfmt(&what, format, args);
	va_end(args);
	emit_complaint(place, buf_text(&what));
	buf_free(&what);
	free(place);
}

static bool ends_with_option(const char *name, const struct option_row *rows, size_t count)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < count; i++) {
		size_t end = strlen(rows[i].name);

		if (n > end + 1 && name[n - end - 1] == '_' && strcmp(name + n - end, rows[i].name) == 0)
			return true;
	}
	return false;
}

/* Which transports there are is known when all has been read. */
static bool may_be_of_transport(const char *name)
{
	size_t count;
	const struct option_row *rows = manner_rows(&count);

	return ends_with_option(name, rows, count) || ends_with_option(name, settings_transport_section.rows,
		settings_transport_section.count);
}

static void print_unknown(const cfg_t *cfg, const char *name, struct buf *out)
{
	struct nearest *nearest = nearest_new(name);

	for (const cfg_opt_t *o = cfg->opts; o->name; o++)
		nearest_consider(nearest, o->name);
	buf_fmt(out, "unknown option '%s'", name);
	nearest_print(nearest, out);
	nearest_free(nearest);
}

static void complain(cfg_t *cfg, const char *format, va_list args)
{
	bool unknown = strcmp(format, "no such option '%s'") == 0;
	const char *name = unknown ? va_arg(args, const char *) : "";
	struct buf what;
	char *place;

	if (unknown && cfg == reading.root && may_be_of_transport(name)) {
		emit("U");
		emit(name);
		return;
	}
	place = place_of(cfg, cfg->line);
	buf_init(&what, 4096);
	if (unknown)
		print_unknown(cfg, name, &what);
	else
		buf_vfmt(&what, format, args);
	if (strstr(buf_text(&what), CONFIG_END_MARK)) {
		buf_clear(&what);
		buf_str(&what, "a closing brace is missing above");
	}
	emit_complaint(place, buf_text(&what));
	buf_free(&what);
	free(place);
}

/* All of a stream; false, and a complaint as if it stood in the file, if that cannot be or if it is no
 * text. */
static bool slurp(cfg_t *cfg, const char *name, FILE *fp, struct buf *bytes)
{
	char block[16384];
	size_t n, line = 1;

	while ((n = fread(block, 1, sizeof(block), fp)) > 0 && buf_add(bytes, block, n))
		;
	if (ferror(fp) || bytes->over) {
		cfg_error(cfg, "%s: %s", name, bytes->over ? "is too large" : strerror(errno));
		return false;
	}
	for (size_t i = 0; i < bytes->len; i++) {
		unsigned char c = (unsigned char)bytes->data[i];

		line += c == '\n';
		if ((c >= ' ' && c != 0x7f) || strchr("\t\n\r\f", c ? c : '!'))
			continue;
		complain_at(name, line, "a control character (0x%02x), is this a text file?", c);
		return false;
	}
	return true;
}

/* Reading it ahead tells what the scanner would end the process for. */
static bool is_text(cfg_t *cfg, const char *path)
{
	FILE *fp = fopen(path, "re");
	struct buf bytes;
	bool good;

	if (!fp) {
		cfg_error(cfg, "include: %s: %s", path, strerror(errno));
		return false;
	}
	buf_init(&bytes, CONFIG_BYTES_MAX);
	good = slurp(cfg, path, fp, &bytes);
	buf_free(&bytes);
	fclose(fp);
	return good;
}

/* A relative name is looked for beside the main file. */
static int include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	const char *slash = strrchr(reading.file, '/');
	const char *name = argc == 1 ? argv[0] : "";
	char *path;
	int rc = 1;

	if (*name == '/' || !slash)
		path = mem_str(name);
	else
		path = mem_fmt("%.*s/%s", (int)(slash - reading.file), reading.file, name);
	if (argc != 1)
		cfg_error(cfg, "include takes one file name");
	else if (is_text(cfg, path))
		rc = cfg_include(cfg, opt, 1, (const char **)&path);
	free(path);
	return rc;
}

/* --- the parse and its record --- */

/* An empty list calls nobody back: it is seen afterwards, as an option that was written and has no value. */
static void find_empty_lists(cfg_t *cfg)
{
	for (unsigned i = 0; i < cfg_num(cfg); i++) {
		cfg_opt_t *opt = cfg_getnopt(cfg, i);

		if (opt->type == CFGT_STR && opt->flags & CFGF_MODIFIED && opt->nvalues == 0) {
			struct config_entry *entry = config_entries_new(&reading.entries, place_of(cfg, 0),
				path_of(cfg, opt->name));

			entry->checks = 1;
		}
		for (unsigned n = 0; opt->type == CFGT_SEC && n < opt->nvalues; n++) {
			cfg_t *section = opt->values[n]->section;

			if (section->title)
				config_entries_new(&reading.entries, place_of(section, section->line),
					path_of(section, ""));
			find_empty_lists(section);
		}
	}
}

/* The full name of this host, if it is needed; asked for here because the answer may come from outside. */
static void emit_hostname(void)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *found = NULL;
	char name[256] = "localhost";

	gethostname(name, sizeof(name) - 1);
	emit("H");
	if (strchr(name, '.') || find_entry("myhostname") || getaddrinfo(name, NULL, &hints, &found) != 0 ||
		!found->ai_canonname)
		emit(name);
	else
		emit(found->ai_canonname);
	if (found)
		freeaddrinfo(found);
}

static void emit_entry(const struct config_entry *entry)
{
	char count[32];

	snprintf(count, sizeof(count), "%zu", entry->count);
	emit("V");
	emit(entry->place);
	emit(entry->path);
	emit(entry->checks > entry->count ? "braces" : "");
	emit(count);
	for (size_t i = 0; i < entry->count; i++)
		emit(entry->elements[i]);
}

/* The file with a mark at its end, as a stream. */
static FILE *marked(FILE *fp, struct buf *bytes)
{
	buf_init(bytes, CONFIG_BYTES_MAX);
	if (!slurp(reading.root, reading.file, fp, bytes))
		return NULL;
	buf_str(bytes, "\n" CONFIG_END_MARK " = yes\n");
	return mem_check(fmemopen(bytes->data, bytes->len, "r"));
}

static void parse(FILE *fp, const struct config_names *more)
{
	cfg_opt_t *options = config_schema(more, value_read, value_checked, include);
	struct buf bytes;

	reading.root = mem_check(cfg_init(options, CFGF_NONE));
	cfg_set_error_function(reading.root, complain);
	reading.root->filename = mem_str(reading.file);
	fp = marked(fp, &bytes);
	if (!fp || cfg_parse_fp(reading.root, fp) != CFG_SUCCESS)
		return;
	find_empty_lists(reading.root);
	for (size_t i = 0; i < reading.entries.count; i++)
		emit_entry(&reading.entries.list[i]);
	emit_hostname();
	emit("D");
}

static void write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, bytes, n);

		if (written < 0 && errno != EINTR)
			return;
		bytes += written > 0 ? written : 0;
		n -= written > 0 ? (size_t)written : 0;
	}
}

void config_parse(const char *file, FILE *fp, const struct config_names *more, int fd)
{
	buf_init(&reading.out, CONFIG_BYTES_MAX);
	reading.file = file;
	parse(fp, more);
	if (!reading.out.over)
		write_all(fd, reading.out.data, reading.out.len);
	_exit(0);
}
