/*
 * Mail to the postmaster about what is going wrong (notify_classes). It is never a flood: what has the same
 * key as something of the last hour is counted, and when the hour is over one more notice tells how often it
 * came. A notice is from nobody, and one that cannot be delivered is given up.
 */
#ifndef CAUSEWAY_QUEUE_NOTICES_H
#define CAUSEWAY_QUEUE_NOTICES_H

#include "settings/settings.h"

struct queue;

/* What notify_classes can name. */
enum notice_class {
	NOTICE_2BOUNCE, NOTICE_BOUNCE, NOTICE_DATA, NOTICE_DELAY, NOTICE_PROTOCOL, NOTICE_RESOURCE,
	NOTICE_SOFTWARE
};

struct notices;

/* Nobody was told of anything yet. */
struct notices *notices_new(struct queue *);
void notices_free(struct notices *);
/* Each minute: tells how often what was counted has come, and looks whether the disk takes mail. */
void notices_minute(struct notices *);

/* Whether notify_classes has the class. */
bool notices_wanted(const struct settings *, enum notice_class);

struct notice {
	enum notice_class class;
	const char *key;              /* names what is the same */
	const char *subject;
	const char *text;             /* paragraphs for a person, an LF behind each */
	const char *transcript;       /* lines of a conversation; NULL: none */
};
/* Sends it, or counts it; nothing if its class is not wanted. All is copied. */
void notices_raise(struct notices *, const struct notice *);

/* The same for what is mailed by the caller: true if he is to do it now. subject is what the later notice
 * says if it comes again. */
bool notices_first(struct notices *, enum notice_class, const char *key, const char *subject);

#endif
