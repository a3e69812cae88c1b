/*
 * An SMTP envelope: the sender with its MAIL parameters and the recipients with theirs (RFC 5321 3.3, RFC
 * 1870, 3461, 6152, 6531, 4954, 8689). Addresses are kept in wire form, as they stood between < and >, byte
 * for byte. Parsing refuses controls anywhere.
 */
#ifndef CAUSEWAY_FORMAT_ENVELOPE_H
#define CAUSEWAY_FORMAT_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

enum envelope_body { BODY_NONE, BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };
enum envelope_ret { RET_NONE, RET_FULL, RET_HDRS };

/* NOTIFY (RFC 3461 4.1); 0: not given. */
enum { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

struct envelope_rcpt {
	char *address;        /* wire form without brackets */
	char *orcpt;          /* "type;xtext" as it came, or NULL */
	char *original;       /* recipient before any rewriting here, or NULL if the same */
	unsigned notify;
};

struct envelope {
	char *sender;         /* wire form; "" is the null sender */
	enum envelope_body body;
	enum envelope_ret ret;
	bool smtputf8, requiretls;
	uint64_t size;        /* SIZE= as declared; 0: not given */
	char *envid;          /* xtext as it came, or NULL */
	char *auth;           /* xtext as it came, or NULL */
	struct envelope_rcpt *rcpts;
	size_t count;         /* recipients held */
	char complaint[128];  /* where a complaint stands that names a parameter */
};

/* From nobody, to nobody. */
struct envelope *envelope_new(void);
void envelope_free(struct envelope *);

/* Takes the part of a MAIL command behind "MAIL" (" FROM:<…> params", blanks after the colon allowed); on
 * refusal false and in *why a complaint that fits behind "MAIL FROM: " and lives as long as the envelope,
 * which then holds a part of the command. */
bool envelope_mail(struct envelope *, struct text args, const char **why);

/* The same for the part behind "RCPT"; no more than max recipients. */
bool envelope_rcpt(struct envelope *, struct text args, size_t max, const char **why);

/* Appends a recipient with copies of what is given (program use; address is trusted to be valid). */
struct envelope_rcpt *envelope_add(struct envelope *, const char *address, const char *orcpt,
	unsigned notify);

/* Appends "MAIL FROM:<…> params CRLF", one RCPT line each, "DATA CRLF": the head of a queue file, which
 * envelope_mail/_rcpt read back. */
bool envelope_print(const struct envelope *, struct buf *out);

/* "SUCCESS,FAILURE" or "NEVER"; "" for 0. */
const char *envelope_notify_text(unsigned notify);

#endif
