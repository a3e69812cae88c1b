/*
 * Reads the answer section of a DNS message (RFC 1035 section 4). Every length, count and compression
 * pointer in it is taken for hostile: nothing is read outside the packet, pointers go backwards only, names
 * end at 255 bytes.
 */
#ifndef CAUSEWAY_FORMAT_DNSMSG_H
#define CAUSEWAY_FORMAT_DNSMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNSMSG_NAME_SIZE 1025     /* bytes for any name in text form with its NUL */

/* The types of records that somebody here asks for. */
enum dnsmsg_type {
	DNSMSG_A = 1, DNSMSG_NS = 2, DNSMSG_CNAME = 5, DNSMSG_SOA = 6, DNSMSG_MX = 15, DNSMSG_TXT = 16,
	DNSMSG_AAAA = 28, DNSMSG_SRV = 33, DNSMSG_DS = 43, DNSMSG_DNSKEY = 48, DNSMSG_TLSA = 52
};
/* "MX", or "TYPE65280" for one without a name here; and the other way round without case, 0 for an unknown
 * one. */
const char *dnsmsg_type_name(enum dnsmsg_type, char out[16]);
enum dnsmsg_type dnsmsg_type_of(const char *name);

enum { DNSMSG_NOERROR = 0, DNSMSG_SERVFAIL = 2, DNSMSG_NXDOMAIN = 3 };

struct dnsmsg {
	const uint8_t *packet;    /* borrowed */
	size_t size;
	size_t at;                /* where the next record begins */
	unsigned left;            /* records of the answer section still to come */
	unsigned authorities;     /* records behind them that are to show why there is no answer */
	unsigned rcode;
	bool truncated;           /* TC */
	bool authentic;           /* AD, as the server says; a validating resolver knows better */
};

struct dnsmsg_record {
	char owner[DNSMSG_NAME_SIZE];
	uint16_t type;
	uint32_t ttl;             /* seconds; 0 if the top bit was set (RFC 2181 section 8) */
	size_t at;                /* where the data begins in the packet */
	const uint8_t *data;
	size_t size;
};

enum dnsmsg_result { DNSMSG_RECORD, DNSMSG_END, DNSMSG_BAD };

/* Stands before the first answer of the packet; false if it is no response or is damaged before there. */
bool dnsmsg_open(struct dnsmsg *, const void *packet, size_t size);

/* The next record of class IN in the answer section. */
enum dnsmsg_result dnsmsg_next(struct dnsmsg *, struct dnsmsg_record *out);

/* Expands the name that begins at offset `at`: labels with dots between, no dot at the end, "." for the
 * root; bytes that are not printable ASCII and dots or backslashes in a label as "\DDD". *after is the
 * offset behind it. False if it is damaged. */
bool dnsmsg_name(const struct dnsmsg *, size_t at, char out[DNSMSG_NAME_SIZE], size_t *after);

/* The name that is all of a record's data behind its first `skip` bytes (0 for CNAME, 2 for MX, 6 for
 * SRV). */
bool dnsmsg_target(const struct dnsmsg *, const struct dnsmsg_record *, size_t skip,
	char out[DNSMSG_NAME_SIZE]);

/* 16 bits of a record's data in network order, `at` bytes into it (an MX preference is at 0); 0 if it is
 * not that long. */
uint16_t dnsmsg_number(const struct dnsmsg_record *, size_t at);

#endif
