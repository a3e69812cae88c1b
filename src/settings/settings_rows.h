/*
 * The option tables of everything outside smtp {} and lmtp {}: one section a table, one option a row.
 */
#ifndef CAUSEWAY_SETTINGS_SETTINGS_ROWS_H
#define CAUSEWAY_SETTINGS_SETTINGS_ROWS_H

#include "base/option.h"

/* option_row.use of these tables: accepted with one warning (help names the successor); not to be set. */
enum { ROWS_OBSOLETE = 1, ROWS_READ_ONLY = 2 };

/* A section, and the head of its options' Postfix names ("resolver_" + "servers"). */
struct settings_section {
	const char *name;         /* "" is the top level */
	const char *prefix;
	const struct option_row *rows;
	size_t count;
};

/* Sections whose rows describe struct settings; the top level first. */
extern const struct settings_section settings_sections[];
extern const size_t settings_section_count;

/* Rows of one transport NAME {} (struct settings_transport) and of one pickup PATH {} (struct
 * settings_pickup). */
extern const struct settings_section settings_transport_section, settings_pickup_section;

/* Top-level rows without a member in struct settings: each describes a union settings_other of its own. */
extern const struct option_row settings_other_rows[];
extern const size_t settings_other_count;

/* More of the top level: the rows about TLS, of struct settings too. */
extern const struct settings_section settings_tls_section;

/* Options whose Postfix name does not follow from section and name: "log.name" is syslog_name. */
struct settings_alias {
	const char *path, *postfix;
};
extern const struct settings_alias settings_aliases[];
extern const size_t settings_alias_count;

#endif
