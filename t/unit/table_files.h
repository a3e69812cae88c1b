/* Tables in files, for the tests of the floor table. */
#ifndef CAUSEWAY_TABLE_FILES_H
#define CAUSEWAY_TABLE_FILES_H

#include <stddef.h>

/* Writes the bytes to the test's file; "type:" with its path, to free(). */
char *table_file(const char *type, const char *bytes, size_t n);
/* The path of that file, and its end. */
const char *table_file_path(void);
void table_file_remove(void);

/* The table opens, and gives this value (NULL: none) for the key. */
void table_check_hit(const char *spec, const char *key, const char *value);
/* It does not open, with one line that holds the words. */
void table_check_refused(const char *spec, const char *words);

/* A row of a test: a file of that type, a key, and its value; NULL: none. */
struct table_hit {
	const char *file, *key, *value;
};
void table_check_file_hit(const char *type, const struct table_hit *);

/* A file that is refused, and words of the complaint. */
struct table_fault {
	const char *file, *complaint;
};
void table_check_file_fault(const char *type, const struct table_fault *);

#endif
