/* Every option of a settings object in order: what the listing, the form for child processes, and the
 * setter all go by. */
#ifndef CAUSEWAY_SETTINGS_SETTINGS_PLACE_H
#define CAUSEWAY_SETTINGS_SETTINGS_PLACE_H

#include "base/text.h"
#include "settings/settings.h"

/* The value of a row of settings_other_rows. */
union settings_other {
	char *text;
	bool flag;
	int64_t number;
	int choice;
};

/* One option: where it stands in the file, the row that describes it, and the struct that holds it. */
struct settings_place {
	const char *section, *title;   /* "" and NULL at the top level */
	const char *prefix;            /* of its Postfix name; NULL: title_ */
	const struct option_row *row;
	void *base;
	bool obsolete, read_only;
};

/* A transport's protocol as an option like all others; only its setter is special. */
extern const struct option_row settings_protocol_row;

/* What a walk does with each option; each returns false to end it. */
struct settings_visit {
	bool (*each)(struct settings_visit *, const struct settings_place *);
};

/* False if some step ended it. */
bool settings_walk(const struct settings *, struct settings_visit *);

/* Finds an option by its path. */
bool settings_locate(const struct settings *, const char *path, struct settings_place *);

/* Takes "section.title.name" apart (a title may hold dots, parts that are not there are empty); returns
 * the name. */
const char *settings_split_path(const char *path, struct text *section, struct text *title);

/* Append the path, or the name as it stands at the top level of the file and in listings. */
void settings_print_path(const struct settings_place *, struct buf *out);
void settings_print_name(const struct settings_place *, struct buf *out);

#endif
