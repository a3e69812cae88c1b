/*
 * Destinations: transport and nexthop together. Each has a fair line of messages (one request in turn, then
 * behind the others), a window of concurrent requests, and an exact count of connections: those at work and
 * those that lie idle at couriers, as stores count both. How alive a destination is stands in health.h;
 * which courier gets a connection in queue/couriers/couriers.h.
 */
#ifndef CAUSEWAY_QUEUE_DESTINATION_H
#define CAUSEWAY_QUEUE_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "base/list.h"
#include "net/loop.h"
#include "queue/destination/parking.h"
#include "queue/destination/rate.h"
#include "queue/destination/width.h"
#include "queue/destination/window.h"
#include "queue/message/active.h"
#include "settings/settings.h"

/* Connections of one destination at one courier. */
struct share {
	uint16_t busy;
	int idle;
	uint16_t ahead;               /* requests without one yet */
};

struct health {
	bool dead;
	bool suspended;               /* by the operator: nothing is sent, dead or not */
	/* the time for a probe has come, and no message was there to make it yet */
	bool probe_wanted;
	bool probing;                 /* the request that finds out is at a courier */
	int64_t since, delay;         /* death; wait before the next probe; ms */
	unsigned probes;              /* since the death */
	unsigned turned_away;         /* in a row, while nothing else was open */
	char *reason;                 /* last trouble, "" if none, */
	char dsn[VERDICT_DSN_SIZE];   /* and its status */
	struct parking failed;        /* messages that failed here since the last success, while it lives */
	/* next probe; next look at the socket; made when first needed */
	struct loop_timer *probe, *look;
	ino_t inode;                  /* of the UNIX socket when it was last looked at; 0: not there */
	struct timespec changed;
};

struct queue;

struct destination {
	struct queue *queue;
	uint32_t number;              /* the couriers' key for leases */
	char *transport, *nexthop;
	char *name;                   /* "transport:nexthop" */
	/* from the settings */
	enum protocol protocol;
	/* of the newest connection with TLS: peer's standing, protocol, cipher; or NULL */
	char *tls;
	char *flags;
	struct window_rules rules;
	unsigned rcpt_limit;
	int64_t rate_delay;
	/* work */
	struct list line;             /* entries with waiting recipients */
	struct list ready;            /* in the destinations' list of those that may have something to send */
	struct list crowded;          /* in their list of those that live and have messages parked */
	size_t in_line, waiting;      /* entries in the line, and their waiting recipients */
	struct entry *latest;         /* entry made last */
	size_t entries;               /* of active messages */
	/* window and connections */
	struct window window;
	struct width width;
	unsigned busy, idle;
	struct share *shares;         /* by seat of a courier */
	unsigned seats;
	struct list ahead;            /* flights without a connection, lease.h */
	bool keeps;                   /* the last connection was kept when its request was over */
	unsigned closing;             /* idle connections that couriers were asked to give up */
	int64_t pause_until;          /* ms of the boot clock */
	struct loop_timer *pause;     /* made when first needed */
	struct health health;
	struct parking parking;
	/* for the operator */
	uint64_t sent, deferred, bounced;
	struct rate rate;             /* of what was sent */
	int64_t used;                 /* ms of the boot clock */
};

struct destinations;
struct destinations *destinations_new(struct queue *);
void destinations_free(struct destinations *);

/* The destination of that transport and nexthop, made if need be; the transport must exist in the
 * settings. */
struct destination *destinations_get(struct destinations *, const char *transport, const char *nexthop);
/* The one that exists, or NULL. */
const struct destination *destinations_known(const struct destinations *, const char *transport,
	const char *nexthop);
struct destination *destinations_find(const struct destinations *, uint32_t number);   /* NULL: unknown */
/* any order; NULL at the end */
struct destination *destinations_each(const struct destinations *, size_t *cursor);
/* Limits as the settings have them now. */
void destinations_reconfigure(struct destinations *);
/* Forgets destinations that nothing has used for a while. */
void destinations_sweep(struct destinations *, int64_t now);

/* Puts an entry with waiting recipients at the end of the line, or at its front; a message that is to
 * be held or deleted does not line up any more. */
void destination_enqueue(struct destination *, struct entry *, bool front);
/* Takes an entry out of the line; its recipients stay in it. */
void destination_withdraw(struct destination *, struct entry *);
/* Puts a recipient back that went out for nothing: at the front, as it was there before. */
void destination_return(struct destination *, struct entry *, uint32_t rcpt);
/* The entry is about to be freed. */
void destination_forget(struct destination *, struct entry *);
struct entry *destination_latest(const struct destination *);
void destination_remember(struct destination *, struct entry *);
/* The entry whose turn it is; there must be one. */
struct entry *destination_first(struct destination *);
/* Takes up to max of its recipients for a request, as entry_take. What is left goes behind the other
 * messages, so that a large one does not hold them up. */
size_t destination_take(struct destination *, struct entry *, uint32_t *out, size_t max);

/* Something has changed that may let it send: it joins the list of those to try, and the queue looks at that
 * list. */
void destination_wake(struct destination *);
/* Joins the list, to be tried whenever the queue looks next. */
void destination_try_again(struct destination *);
/* Takes the next destination that may have something to send off the list, or NULL. */
struct destination *destinations_ready(struct destinations *);
/* The destination may have parked messages although it lives. */
void destination_crowded(struct destination *);
/* Lets a few crowded destinations call what they have room for. */
void destinations_refill(struct destinations *);
/* Whether the window, the pause and its health allow one more request now; sets a timer if only time is
 * missing. */
bool destination_has_room(struct destination *, int64_t now);
/* Whether nothing but the window forbids it. */
bool destination_is_full(const struct destination *, int64_t now);
/* No request before that time. */
void destination_pause(struct destination *, int64_t until);

/* What the courier in that seat has of the destination; made if it had nothing. Valid until the next call. */
struct share *destination_share(struct destination *, unsigned seat);
unsigned destination_open(const struct destination *);   /* connections, idle ones included */
/* The path of the UNIX socket that the nexthop is, borrowed; NULL if it is none. */
const char *destination_socket(const struct destination *);

#endif
