/*
 * The records that answer a question, read out of a DNS message (RFC 1035, 2782, 6698) into a form that can
 * be kept: aliases are followed inside the message, and records of other names than the one asked for count
 * for nothing.
 */
#ifndef CAUSEWAY_FORMAT_DNSRECORD_H
#define CAUSEWAY_FORMAT_DNSRECORD_H

#include "base/buf.h"
#include "format/dns/dnsmsg.h"

/* What its type does not have is zero. */
struct dnsrecord {
	enum dnsmsg_type type;
	uint32_t ttl;                /* seconds */
	uint16_t preference;         /* MX; the priority of SRV */
	uint16_t weight, port;       /* SRV */
	char *name;                  /* MX, SRV, CNAME, NS: without a dot at the end, "." for the root */
	/* all of it, as it was in the message: 4 or 16 bytes of an address, TLSA … */
	uint8_t *data;
	size_t size;
};

struct dnsrecord_set {
	char owner[DNSMSG_NAME_SIZE];    /* whose records these are: the end of a chain of aliases */
	struct dnsrecord *records;
	size_t count;
	bool cut;                    /* there were more than was asked for */
};

enum dnsrecord_result {
	DNSRECORD_READ,              /* perhaps none */
	DNSRECORD_DAMAGED,
	DNSRECORD_CIRCLE,            /* aliases that lead nowhere */
	DNSRECORD_STRANGE            /* an answer, but about other names */
};

/* Reads the records of that type, at most `most`, for the question name out of a message that was opened; the
 * set is to be cleared in any case. */
enum dnsrecord_result dnsrecord_read(const struct dnsmsg *, const char *name, enum dnsmsg_type, size_t most,
	struct dnsrecord_set *out);
void dnsrecord_clear(struct dnsrecord_set *);

/* Appends "owner. ttl IN TYPE data", the form that Postfix's smtp_dns_reply_filter looks up. */
void dnsrecord_print(const char *owner, const struct dnsrecord *, struct buf *out);

#endif
