#include "spool/tell.h"

#include <string.h>

#include "base/log.h"
#include "spool/names.h"

static const char *id_of(const struct take *t, char id[NAMES_SIZE])
{
	return t->claimed ? names_message(t->store.id, id) : NULL;
}

void tell_refused(const struct take *t)
{
	const char *name = t->name[0] ? t->name : "(name lost)", *reason = t->store.reason;
	char id[NAMES_SIZE];

	if (t->outcome == TAKE_DIRECTORY)
		log_line(LOG_LEVEL_WARNING, "cleanup", NULL,
			"refused: %s: %s; it stays in drop/new and is not looked at again", name, reason);
	else if (!t->claimed)
		log_line(LOG_LEVEL_WARNING, "cleanup", NULL,
			"refused: %s: %s; it was empty and is removed", name, reason);
	else
		log_line(LOG_LEVEL_WARNING, "cleanup", id_of(t, id),
			"refused: %s (uid=%lu): %.*s; it is now %s/%s", name, (unsigned long)t->uid,
			TELL_REASON_MAX, reason, t->source->bad_path, t->put);
}

void tell_unclaimed(const struct take *t)
{
	log_line(LOG_LEVEL_ERROR, "pickup", NULL,
		"%s/%s: cannot be claimed: %s; it stays where it is and is tried again", t->source->path, t->name,
		strerror(t->error));
}

void tell_trouble(const struct take *t)
{
	char id[NAMES_SIZE];

	log_line(LOG_LEVEL_ERROR, "pickup", id_of(t, id),
		"a drop file cannot be taken in: %s; it is kept and tried again (further ones are not reported)",
		strerror(t->error));
}
