/* Hash tables: byte-string keys (map) and 64-bit keys (idmap) to pointers; values are borrowed, never
 * freed. Nothing may be added or removed during a walk, whose order is any. Seeds are random. */
#ifndef CAUSEWAY_BASE_MAP_H
#define CAUSEWAY_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map;
struct idmap;

struct map *map_new(void);
void map_free(struct map *);                                         /* the values stay */
size_t map_count(const struct map *);                                /* keys in it */
void *map_get(const struct map *, const char *key, size_t n);            /* NULL: not there */
/* copies the key; gives what it replaced */
void *map_put(struct map *, const char *key, size_t n, void *value);
void *map_take(struct map *, const char *key, size_t n);             /* removes; returns the value or NULL */
void *map_next(const struct map *, size_t *cursor);                  /* cursor starts at 0; NULL at the end */

/* The same for keys of 64 bits; each does what its namesake above does. */
struct idmap *idmap_new(void);
void idmap_free(struct idmap *);
size_t idmap_count(const struct idmap *);
void *idmap_get(const struct idmap *, uint64_t key);
void *idmap_put(struct idmap *, uint64_t key, void *value);
void *idmap_take(struct idmap *, uint64_t key);
void *idmap_next(const struct idmap *, size_t *cursor);

#endif
