/*
 * The active part of a message: envelope, file and the state of each recipient, in memory only while an
 * attempt is under way. An attempt begins when the message becomes active and is over when every recipient
 * that was not final before is judged, or waits for a destination that is dead. Whatever may have ended it
 * calls settle_check:
 *
 *   router.c      all recipients have their way: maybe nobody, or to dead or crowded destinations only
 *   results.c     a request is over (results_finish), or was lost with its courier (results_lost)
 *   health.c      a destination has died or is suspended, or a probe failed: for each message in its line
 *   suspect.c     a suspect's turn has come, and its destination is dead or suspended
 *   orders.c      the operator holds or deletes the message: nobody waits in a line any more
 *   unwritten.c   its queue file is written, and its end may have waited for that alone
 *   waits.c       the caller who waits has decided, has heard enough, or is gone
 *
 * The stages of an attempt, by the members of struct active, and what may follow each:
 *
 *   routing    routed < count       under way
 *   under way  none of the others   being written, settled, or put aside: as if it had never begun
 *   being written  writing          under way: nothing is settled meanwhile
 *   settled    settled              committed: its reports, if there are any, are written first; no way back
 *   committed  settle_committed     freed; the message goes on waiting, or is gone if done
 *
 * Those of a recipient (enum rcpt_state), and who changes them:
 *
 *   OVER       -
 *   ROUTING    WAITING (router.c), JUDGED (router.c: no way; intake.c: a mail loop)
 *   WAITING    FLYING (dispatch.c), JUDGED (judge_waiting)
 *   FLYING     JUDGED, AGAIN (results_answer), WAITING (results_lost)
 *   AGAIN      WAITING, JUDGED (results_finish, results_lost, elsewhere_send)
 *   JUDGED     -
 */
#ifndef CAUSEWAY_QUEUE_ACTIVE_H
#define CAUSEWAY_QUEUE_ACTIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "format/journal/queue_id.h"
#include "format/smtp/envelope.h"
#include "queue/message/message.h"
#include "spool/spool.h"
#include "talk/requiretls.h"
#include "talk/verdict.h"

struct destination;
struct queue;
struct verification;

/* A recipient's result in this attempt, kept until it is committed, logged and reported. Strings are owned by
 * the same allocation. */
struct note {
	enum outcome outcome;         /* OUTCOME_SENT, OUTCOME_DEFERRED or OUTCOME_BOUNCED */
	bool maybe_twice;
	bool probe;                   /* nothing was sent: the peer said what it would do */
	char dsn[12];
	int64_t when;                 /* judged; ms of the boot clock */
	int64_t sent_off;             /* the request left for a courier; ms of the boot clock */
	int64_t setup, transmission;  /* ms */
	uint32_t conn_use;            /* 0: no connection */
	pid_t pid;                    /* courier; 0: judged here */
	const char *process;          /* "lmtp", "smtp" or "qmgr" */
	const char *transport;        /* name, for counting; "" if there was no route */
	uint32_t destination;         /* number, for counting; 0: none */
	bool peer_reports;            /* it has DSN, and the reports about success are its duty from now on */
	const char *relay, *tls, *text, *reply;   /* tls, reply: NULL if none */
	char strings[];
};

/* All that goes into a note but the strings' memory. */
struct note *note_new(const struct note *values);

enum rcpt_state {
	RCPT_OVER,            /* final since an earlier attempt */
	RCPT_ROUTING,
	RCPT_WAITING,         /* in its entry's line */
	RCPT_FLYING,          /* at a courier */
	RCPT_AGAIN,           /* answered "at once once more"; decided when its request is over */
	RCPT_JUDGED           /* has its note */
};

/* What the sender is owed before a result is recorded (queue/report/report_success.h). */
enum owed {
	OWED_NOTHING,
	OWED_GATHERED,        /* a report, for which others are waited for */
	OWED_REPORTED         /* a report that is on its way to the disk */
};

struct recipient {
	struct note *note;
	uint32_t next;                /* in its entry's line; RCPT_NONE at the end */
	uint8_t state;                /* enum rcpt_state */
	uint8_t rounds;               /* "once more" in a row without progress */
	bool recorded;                /* its result is in the journal */
	bool alone;                   /* only in a request of its own */
	bool ours;                    /* AGAIN: by best_mx_transport … */
	bool sent_elsewhere;          /* … which has had it in this attempt (queue/route/elsewhere.h) */
	uint8_t owed;                 /* enum owed */
	/* its caller has it back (queue/caller/waits.h): what comes now is for the log only */
	bool returned;
};

#define RCPT_NONE UINT32_MAX

/* The recipients of one message for one destination. */
struct entry {
	struct list in_line;          /* of the destination, while recipients wait */
	struct entry *next;           /* of the message */
	struct active *active;
	struct destination *destination;
	uint32_t first, last, waiting;
	bool parked;                  /* the destination knows that this message waits for it */
	bool apart;                   /* its line is that of the suspects (queue/couriers/suspect.h) */
};

struct active {
	struct queue *queue;
	struct message *message;
	char name[QUEUE_ID_SIZE];
	struct envelope *envelope;
	int fd;
	uint64_t content_at, content_size;
	uid_t uid;
	unsigned hops;
	bool eight_bit, utf8_header, long_lines;
	bool requiretls_field;        /* the header asks for REQUIRETLS, as another program passed it on */
	enum tls_wanted tls_wanted;   /* by its sender, as far as the configuration heeds that */
	struct verification *verification;   /* it only asks (queue/operator/verify.h); NULL: mail */
	char *trace;                  /* sent ahead of the content; made when first needed */
	int64_t began;                /* ms of the boot clock */
	struct entry *entries;
	struct active *next_to_route;
	size_t routed;                /* recipients the router is through with */
	size_t open;                  /* recipients not judged yet */
	size_t judged;                /* in this attempt */
	unsigned flights;             /* requests at couriers */
	bool unwritten;               /* the spool has only the drop file: see queue/message/unwritten.h … */
	/* … which is being changed, or a report is being written before results are recorded */
	bool writing;
	struct list of_unwritten;
	size_t owed;                  /* recipients in OWED_GATHERED */
	int64_t owed_since;           /* ms of the boot clock */
	struct list of_owed;
	/* the attempt is over; its results wait for a report, then for their commit */
	bool settled;
	bool done;                    /* nothing is left to do for the message */
	bool expired;
	bool soon;                    /* a busy host: the next attempt comes early */
	bool parked;                  /* some destination's revival shall make it due … */
	bool wake;                    /* … and has come already */
	struct list reports;          /* not told of yet */
	unsigned reporting;           /* things that the end of the attempt waits for: see settle.c */
	bool late;                    /* its sender is told now that it is late */
	int64_t due;                  /* of the next attempt, once settled */
	struct recipient rcpts[];     /* as many as the envelope has */
};

/*
 * Where an attempt stands. It begins with routing, and goes to and fro between delivering and waiting (and
 * writing, once at most) until settle_check ends it, which it does out of waiting alone; or the message is
 * put aside, and it is as if there had been no attempt.
 */
enum attempt_phase {
	ATTEMPT_ROUTING,              /* the router has it */
	ATTEMPT_WRITING,              /* its queue file is being written */
	ATTEMPT_DELIVERING,           /* requests are at couriers */
	ATTEMPT_WAITING,              /* recipients wait in lines, or all are judged */
	ATTEMPT_ENDING                /* its results wait for a report, then for their commit */
};
enum attempt_phase active_phase(const struct active *);

/* Takes envelope and file out of loaded; names without a domain get "@myorigin". */
struct active *active_new(struct queue *, struct message *, struct spool_message *loaded);
void active_free(struct active *);
/* The file is not needed any more. Earlier than the rest goes, so that it is not the last close of a removed
 * file, which frees its blocks and takes its time; the spool's threads shall do that. */
void active_close(struct active *);

/* Bytes of the message itself: the content without its final dot line. */
uint64_t active_size(uint64_t content_size);

/* Deferred in this attempt, and not its caller's again. */
bool recipient_is_deferred(const struct recipient *);

/* "sent", "deferred" or "bounced"; of a probe "deliverable", "deferred" or "undeliverable". */
const char *note_status(const struct note *);

/* The entry for that destination, made if need be; the destination's waiting line is not touched. */
struct entry *active_entry(struct active *, struct destination *);

/* Lines recipients up in an entry, at its end or (those that come back) at its front. */
void entry_append(struct entry *, uint32_t rcpt);
void entry_prepend(struct entry *, uint32_t rcpt);
/* Takes up to max recipients off the front into out, never one that must be alone beside another; returns how
 * many. */
size_t entry_take(struct entry *, uint32_t *out, size_t max);

#endif
