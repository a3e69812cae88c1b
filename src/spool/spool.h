/*
 * The queue process's only view of the disk: intake, queue files, journal, group commit. All slow calls run
 * in a small pool of disk threads; results come back through struct spool_events, from the loop, never
 * re-entrantly. What is durable when is argued in doc/queue.md; this header only says what a caller may rely
 * on.
 *
 * Order of a message's life:
 *   arrived(message) → … spool_result / spool_next … → spool_commit(…) → spool_done → [commit]
 *   → the file is unlinked by the spool
 */
#ifndef CAUSEWAY_SPOOL_SPOOL_H
#define CAUSEWAY_SPOOL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/drop/drop_file.h"
#include "format/smtp/envelope.h"
#include "net/loop.h"

struct spool;

/* One more directory that drop files are taken from. */
struct spool_pickup {
	const char *path;
	const char *bad;                /* where its refused files go; "": drop/bad */
	enum drop_file_form form;
	int64_t settle_ms;              /* unchanged for so long, a file counts as finished */
};

struct spool_setup {
	const char *directory;          /* spool_directory; all strings are copied */
	uint64_t size_limit;            /* message_size_limit in bytes; 0: none */
	size_t rcpt_limit;              /* recipients of one message */
	size_t owner_limit;             /* messages of one owner, whose further files wait; 0: any number */
	uint64_t minimum_free;          /* bytes; 0: 64 MiB or 1 %, whichever is less */
	const struct spool_pickup *pickups;   /* a reconfiguration changes form and settle_ms only */
	size_t pickup_count;
	unsigned threads;               /* disk threads; 0: 8 */
};

/* A message as read from its file: new, or loaded again when it is due. */
struct spool_message {
	uint64_t id;
	struct envelope *envelope;      /* the receiver owns it */
	uint64_t content_at;            /* where content begins in the queue file, bytes */
	uint64_t content_size;          /* bytes of content, final dot line included */
	int64_t arrived;                /* ms since 1970 */
	uid_t uid;                      /* owner of the drop file; the daemon's own for reports */
	unsigned hops;                  /* Received: fields */
	bool eight_bit, utf8_header, long_lines, tls_optional, requiretls;   /* as in struct bsmtp_facts */
	/* cleaned, "" if none; freed by spool_message_free; NULL when loaded again */
	char *message_id;
	const char *drop_name;          /* what the file was called; valid during arrived only; NULL: not known */
	char *origin;                   /* "drop" or the pickup directory; NULL when loaded again */
	/* the queue file open for reading, or -1 (then spool_load gives one); the receiver owns it */
	int fd;
	unsigned reports;               /* highest report number used by an earlier life of it; else 0 */
	/* fd is in memory, and the disk has only the drop file, from which a start makes the message anew: see
	 * spool_write */
	bool unwritten;
};
/* closes fd, frees the envelope; fields taken away are set to NULL / -1 before */
void spool_message_free(struct spool_message *);

/* What the journal knows of a message at start. */
struct spool_known {
	uint64_t id;
	int64_t arrived;                /* ms since 1970 */
	uid_t uid;
	uint64_t size;                  /* content bytes */
	int64_t next;                   /* ms since 1970 of the next attempt; 0: at once */
	unsigned attempts;              /* attempts made */
	unsigned suspect;               /* couriers that died with it */
	bool held;
	bool warned;                    /* spool_warned was committed */
	size_t count;                   /* recipients in the file, 0 if the journal does not know */
	/* bit i: recipient i has its final result; final_bits bits long; valid during the call only */
	const uint8_t *final;
	size_t final_bits;
	const char *reason;             /* last deferral's text, "" if none; valid during the call only */
	unsigned reports;               /* highest report number used */
};

struct spool_events {
	/* A new message: its file is safe (own commit done); the `in` line is on its way. Delivery may
	 * start. */
	void (*arrived)(void *arg, struct spool_message *);   /* the receiver owns the message */
	/* A drop file was refused and is in bad/ (name as far as known; reason is one cleaned line). id 0:
	 * none was given. */
	void (*refused)(void *arg, uint64_t id, const char *name, uid_t uid, const char *reason);
	/* At start, ahead of all messages, each destination that was suspended. */
	void (*suspended)(void *arg, const char *destination);
	/* At start, each message that is in the queue, mostly the newest first; some a turn, while others
	 * arrive. */
	void (*known)(void *arg, const struct spool_known *);
	/* At start: everything known was told. */
	void (*ready)(void *arg);
	/* A file of the queue turned out unreadable or unparsable and was moved to corrupt/. */
	void (*corrupt)(void *arg, uint64_t id, const char *reason);
};

/* Opens and locks the spool (lock, format, journal), starts the pool and the start-up scan. NULL and *why
 * (one line that names the place, free() it) if that fails; *exit_code is 75 (lock held; why names the
 * holder's pid) or 78 (unknown format, wrong rights). */
struct spool *spool_open(struct loop *, const struct spool_setup *, const struct spool_events *, void *arg,
	char **why, int *exit_code);

/* Stops intake; completes what is committed; then calls closed(arg). spool_free afterwards. */
void spool_close(struct spool *, void (*closed)(void *arg), void *arg);
void spool_free(struct spool *);

/* New limits after a reload. */
void spool_reconfigure(struct spool *, const struct spool_setup *);

/* Reads a message's envelope again and opens its file: done(arg, id, message); message NULL: corrupt (told
 * through events), or gone. */
void spool_load(struct spool *, uint64_t id, void (*done)(void *arg, uint64_t id, struct spool_message *),
	void *arg);

/* --- the journal: each call adds lines to the open batch; nothing is durable before a commit that was asked
 * for later has called back --- */

struct spool_result {
	size_t rcpt;                    /* index in the envelope */
	/* 's' sent, 'b' bounced, 'd' deferred, 'e' expired, 'h' handed back to its caller */
	char status;
	const char *dsn;
	const char *peer;               /* relay, "" if none */
	const char *text;               /* cleaned by the caller, cut to 500 bytes here */
	int64_t when;                   /* ms since 1970 */
};
/* What became of one recipient; a final one stays, a deferral holds until the next result. */
void spool_result(struct spool *, uint64_t id, const struct spool_result *);
/* The next attempt is at when_wall (ms since 1970), so many were made. */
void spool_next(struct spool *, uint64_t id, int64_t when_wall, unsigned attempts);
/* The operator keeps the message, or lets it go. */
void spool_hold(struct spool *, uint64_t id, bool held);
/* So many couriers have crashed with it in their hands. */
void spool_suspect(struct spool *, uint64_t id, unsigned count);
/* The operator keeps all mail of that destination, or lets it go. */
void spool_suspend(struct spool *, const char *destination, bool suspended);
/* How far the wall clock was set since this was last asked, ms; 0: it was not. The journal has its line about
 * that ahead of any other, and should be committed. */
int64_t spool_clock_jump(struct spool *);
/* A report that the message is late is on its way: no second one shall be made. */
void spool_warned(struct spool *, uint64_t id);
/* The message is finished: its file is unlinked when the next spool_commit is through and its done has
 * returned. */
void spool_done(struct spool *, uint64_t id);

/* Gives an unwritten message its queue file, copied from fd, which must stay open until then. written(arg,
 * file) is called from the loop when that is on the disk, later if the disk has no room for it; file is the
 * queue file, open for reading in place of fd (the receiver owns it), or -1 if it cannot be opened now.
 * Before spool_write no line about the message may be added unless spool_done follows in the same turn of the
 * loop, and between it and written none at all; but its being held or suspected may be told, and is recorded
 * with the file. */
void spool_write(struct spool *, uint64_t id, int fd, void (*written)(void *arg, int file), void *arg);

/* Puts a report into the queue under id (parent's key with its next report number). bytes is the whole queue
 * file (envelope and content in wire form, content_at bytes of envelope); copied. written(arg) is called from
 * the loop when the file is on the disk and the open batch names it: the parent's lines that rely on the
 * report are added inside that call, so that they are committed behind it. After that batch the report
 * arrives like any message. While the disk has no room for it, only this waits. */
void spool_report(struct spool *, uint64_t id, const char *bytes, size_t n, uint64_t content_at,
	void (*written)(void *arg), void *arg);

/* Calls done(arg) when everything added before is on the disk. While the disk refuses, it waits and tries
 * again (one loud line). */
void spool_commit(struct spool *, void (*done)(void *arg), void *arg);

/* Somebody waits for what a commit was asked for: it shall not rest to serve more. */
void spool_hurry(struct spool *);

/* --- for the operator --- */

struct spool_state {
	bool intake_stopped;            /* disk full */
	uint64_t free_bytes;
	uint64_t journal_bytes;
	size_t batches, files_taken, files_refused;
};
/* How the spool is at this moment; asks no disk. */
void spool_state(const struct spool *, struct spool_state *);

/* The journal's lines of one message, for the operator: told(arg, lines) is called from the loop with all of
 * them, oldest first, an LF behind each. Reads the whole file, in a thread. */
void spool_history(struct spool *, uint64_t id, void (*told)(void *arg, const char *lines), void *arg);

/* Stops taking drop files, or goes on. Files already claimed still arrive (a few hundred). */
void spool_intake_pause(struct spool *, bool paused);
/* The caller's way to bound what it holds: only owners who have few messages are served, so that nobody waits
 * for one who has many. */
void spool_intake_fair(struct spool *, bool fair);
/* Whether messages may arrive unwritten; at first they may. Those that are on their way still do. */
void spool_intake_unwritten(struct spool *, bool allowed);

/* The next new id (never used before). */
uint64_t spool_new_id(struct spool *);

#endif
