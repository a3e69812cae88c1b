#include "spool/intake/tell.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "spool/disk/names.h"

static const char *id_of(const struct take *t, char id[NAMES_SIZE])
{
	return t->claimed ? names_message(t->store.id, id) : NULL;
}

static const char *name_of(const struct take *t)
{
	return t->name[0] ? t->name : "(name lost)";
}

void tell_refused(const struct take *t)
{
	const char *path = t->source->path, *name = name_of(t), *reason = t->store.reason;
	char id[NAMES_SIZE];

	if (t->outcome == TAKE_DIRECTORY)
		log_line(LOG_LEVEL_WARNING, "cleanup", NULL,
			"refused: %s/%s: %s; it stays there and is not looked at again", path, name, reason);
	else if (!t->claimed)
		log_line(LOG_LEVEL_WARNING, "cleanup", NULL,
			"refused: %s/%s: %s; it was empty and is removed", path, name, reason);
	else
		log_line(LOG_LEVEL_WARNING, "cleanup", id_of(t, id),
			"refused: %s (uid=%lu): %.*s; it is now %s/%s", name, (unsigned long)t->uid,
			TELL_REASON_MAX, reason, t->source->bad_path, t->put);
}

static const char *why_unclaimed(int error)
{
	return error == EXDEV ? "it is on another file system; drop and queue must be on the same"
		: strerror(error);
}

void tell_unclaimed(const struct take *t)
{
	log_line(LOG_LEVEL_ERROR, "pickup", NULL,
		"%s/%s: cannot be moved to %s/queue: %s; it stays where it is and is tried again", t->source->path,
		t->name, t->store.tree->path, why_unclaimed(t->error));
}

void tell_trouble(const struct take *t)
{
	char id[NAMES_SIZE];

	log_line(LOG_LEVEL_ERROR, "pickup", id_of(t, id),
		"%s/%s: cannot be taken in: %s; it is kept and tried again (until a file is taken in, others are not "
		"reported)", t->source->path, name_of(t), strerror(t->error));
}
