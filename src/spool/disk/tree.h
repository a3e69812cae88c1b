/* The directories of the spool, open for as long as the process lives, and the two files that say whose and
 * of which version they are. */
#ifndef CAUSEWAY_SPOOL_TREE_H
#define CAUSEWAY_SPOOL_TREE_H

#include <stdbool.h>
#include <sys/types.h>

/* The directories and their modes. */
enum tree_place { TREE_ROOT, TREE_DROP, TREE_TMP, TREE_NEW, TREE_BAD, TREE_QUEUE, TREE_CORRUPT, TREE_PLACES };
struct tree_directory {
	const char *name;        /* below spool_directory, which itself is "" */
	mode_t mode;
	bool stricter;           /* the operator may take rights away: who reaches the spool may drop */
};
extern const struct tree_directory tree_directories[TREE_PLACES];

struct tree {
	char *path;              /* spool_directory */
	int queue, fresh, bad, corrupt;   /* descriptors of queue/, drop/new/, drop/bad/, corrupt/ */
	int lock;                /* queue/lock, held */
	uid_t uid;               /* ours */
};

/* Opens all, makes what is missing, takes the lock (waiting up to 3 s for it), checks queue/format. 0; or an
 * exit code of sysexits.h (75, 78) and *why, a line to free(). After an error nothing is open. */
int tree_open(struct tree *, const char *path, char **why);
void tree_close(struct tree *);

#endif
