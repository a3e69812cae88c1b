/* What the rooms of the spool work with. Each of them borrows it; spool.c owns it. */
#ifndef CAUSEWAY_SPOOL_PARTS_H
#define CAUSEWAY_SPOOL_PARTS_H

struct parts {
	struct loop *loop;
	struct disk *disk;           /* threads */
	struct dirsync *dirsync;
	const struct tree *tree;     /* the directories */
	struct ids *ids;
	struct remover *remover;
	struct ledger *ledger;       /* what the journal says */
	struct commit *commit;       /* NULL until the journal was read */
	struct budget *budget;       /* of what is unwritten */
};

#endif
