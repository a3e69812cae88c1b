/*
 * The link between queue and courier: a SOCK_SEQPACKET pair and a few typed messages; this header and
 * link.c serve both ends. Packets hold at most 64 KiB; a large request is several packets. Several
 * answers share a packet (sent by link_flush, which the end of each turn of the loop calls). Sending
 * never blocks: what does not fit waits inside, bounded by credits. The other end's fields are checked
 * here; a packet that breaks the rules ends the link (broken).
 */
#ifndef CAUSEWAY_LINK_LINK_H
#define CAUSEWAY_LINK_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/smtp/envelope.h"
#include "format/smtp/xforward.h"
#include "net/loop.h"
#include "talk/requiretls.h"
#include "talk/verdict.h"

/* Ceilings: a string of an envelope, the nexthop, the trace lines (what is longer is a programming
 * error); requests outstanding on one link. */
#define LINK_FIELD_MAX 8192
#define LINK_SLOTS 65536
/* The longest question or answer of a lookup; what is longer is cut. */
#define LINK_ANSWER_MAX 60000

/* One transaction's worth of work: a message, one destination, some recipients. */
struct request {
	/* chosen by the queue, unique among those outstanding on a link; the courier sees a number of the
	 * link's */
	uint32_t number;
	uint32_t destination;        /* the queue's number for transport + nexthop; key of leases */
	char *queue_id;              /* printed */
	char *transport;             /* name in the settings */
	char *nexthop;
	char *flags;                 /* of its transport (talk/transport_flags.h), or NULL */
	struct envelope *envelope;   /* sender, parameters and just the recipients of this request */
	char *trace;                 /* bytes sent ahead of the content, wire form ("Received: …CRLF") */
	size_t trace_size;
	uint64_t content_at, content_size;   /* in the file; size includes the final dot line */
	bool eight_bit, utf8_header;
	bool long_lines;             /* some line of the content is longer than LINE_LONG */
	enum tls_wanted tls_wanted;  /* by the sender; the envelope says only what stood there */
	bool probe;                  /* ask only, never send content */
	bool connection_probe;       /* the destination was dead: this is the attempt that finds out */
	/* sent without a lease: waits at the courier until a connection is passed to it */
	bool ahead;
	bool soft_bounce;
	uint32_t attempt;            /* 1 for the first */
	int64_t age;                 /* ms since the message arrived */
	struct xforward client;      /* that the message came from */
};
struct request *request_new(void);
void request_free(struct request *);

/* One recipient's result. */
struct answer {
	uint32_t request;
	uint32_t rcpt;               /* index in the request's envelope */
	struct verdict verdict;      /* never OUTCOME_NONE or OUTCOME_KEEP */
	char *relay;                 /* "name[addr]:port", "host[/path]", "none" */
	char *tls;                   /* for tls=, NULL: none */
	uint32_t conn_use;           /* 1 for the first transaction of a connection */
	int64_t setup, transmission; /* ms: delays c and d */
	/* the peer has announced DSN (RFC 3461): reports about success are its duty */
	bool peer_reports;
	char *transcript;            /* NULL, or the conversation after a protocol error */
};

/* What became of a request's connection, and so of its lease. */
enum connection {
	CONNECTION_CLOSED,           /* the lease comes back */
	CONNECTION_KEPT,             /* it goes on as an idle connection */
	CONNECTION_PASSED            /* it goes on with a request that was sent ahead */
};

/* A request is over: every recipient was answered before, or none was and nothing was tried. */
struct finish {
	uint32_t request;
	uint32_t destination;
	bool untried;                /* as if it had never been sent */
	bool took_idle;              /* it went over an idle connection when it came, and did not make one */
	enum connection connection;
	uint32_t next;               /* CONNECTION_PASSED: the request that goes on with it */
	enum site site;              /* what this says about the destination */
	char *reason;                /* for SITE_BUSY and SITE_DEAD: one cleaned line, */
	/* and the status of those who wait for it, "4.…"; "" is none in particular */
	char dsn[VERDICT_DSN_SIZE];
	bool served;                 /* some session of this request ran to its normal end */
	/* of a new connection with TLS, for people: "Verified TLSv1.3 …"; NULL: nothing new */
	char *tls;
};

struct link;

/* The queue's end implements the answers, the courier's end the requests; unused ones stay NULL. Pointers
 * are valid during the call. */
struct link_events {
	/* at the courier; fd is owned by the receiver, the request too */
	void (*request)(void *arg, struct request *, int fd);
	/* give back that many idle connections (0: all) */
	void (*close_idle)(void *arg, uint32_t destination, unsigned count);
	/* a request that was sent ahead goes back untried, if it still waits */
	void (*recall)(void *arg, uint32_t destination, uint32_t request);
	/* finish what runs, take nothing new, then exit */
	void (*stop)(void *arg);
	/* at the queue */
	/* that many further requests may be outstanding */
	void (*credit)(void *arg, unsigned more);
	void (*answer)(void *arg, const struct answer *);
	void (*finish)(void *arg, const struct finish *);
	/* idle connections that have ended: leases come back */
	void (*closed)(void *arg, uint32_t destination, unsigned count);
	/* a line for the log about a request that is out */
	void (*note)(void *arg, uint32_t request, const char *text);
	/* at both */
	void (*lookup)(void *arg, uint32_t number, const char *question);     /* see courier/explain.h */
	void (*found)(void *arg, uint32_t number, const char *answer);
	/* at the queue: the value begins with the moment until which it is good (int64_t, ms since 1970), and
	 * with nothing behind that the key is to be forgotten; at the courier: what was kept, empty: nothing. See
	 * link/keys.h */
	void (*keep)(void *arg, const char *key, const void *value, size_t n);
	void (*have)(void *arg, const char *key);
	/* the link has ended; link_free it later this turn */
	void (*broken)(void *arg, const char *why);
};

struct link *link_new(struct loop *, int fd, const struct link_events *, void *arg);   /* owns fd */
void link_free(struct link *);
void link_flush(struct link *);
/* Whether answers may rest a few ms for others to share their packet, since the other end's work is in stock
 * here. */
void link_set_rest(struct link *, bool);

/* At the queue. Sends a request with its file; fd stays the caller's (it is duplicated by the kernel). */
void link_send_request(struct link *, const struct request *, int fd);
/* Whether everything that was to be sent has left. */
bool link_is_quiet(const struct link *);
/* Whether packets wait because the other end does not read. */
bool link_is_behind(const struct link *);
/* Whether the courier marked it (also after the link has broken). */
bool link_dot_marked(const struct link *, uint32_t request);
void link_send_close_idle(struct link *, uint32_t destination, unsigned count);
/* Of a request that was sent ahead and is not over. */
void link_send_recall(struct link *, uint32_t destination, uint32_t request);
void link_send_stop(struct link *);

/* At both. */
void link_send_lookup(struct link *, uint32_t number, const char *question);
void link_send_found(struct link *, uint32_t number, const char *answer);
void link_send_keep(struct link *, const char *key, const void *value, size_t n);
void link_send_have(struct link *, const char *key);

/* At the courier. */
void link_send_credit(struct link *, unsigned more);
void link_send_answer(struct link *, const struct answer *);
void link_send_finish(struct link *, const struct finish *);
void link_send_closed(struct link *, uint32_t destination, unsigned count);
/* To be kept until then (loop_wall); with n = 0 it is forgotten. */
void link_send_keep_until(struct link *, const char *key, int64_t until, const void *value, size_t n);
void link_send_note(struct link *, uint32_t request, const char *text);
/*
 * Marks, before its final dot goes out, that a loss of this request may mean a second copy. The mark is a
 * byte in memory that both ends share (the queue's end makes it and sends it with its first packet), so
 * it costs no packet and outlives the courier.
 */
void link_mark_dot(struct link *, uint32_t request);

#endif
