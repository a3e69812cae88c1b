/* The one door to the JSON library: everything else includes this file and uses jansson's json_t through
 * it. */
#ifndef CAUSEWAY_BASE_JSON_H
#define CAUSEWAY_BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"

/* A JSON string of text that may not be UTF-8 (cleaned first, see text_clean); never NULL. */
json_t *json_clean(const char *s);

/* Appends the compact form of value to out; false if out's ceiling was met. */
bool json_print(const json_t *value, struct buf *out);

/* Parses n bytes; NULL and a constant complaint in *why on error. */
json_t *json_read(const char *bytes, size_t n, const char **why);

#endif
