/* Mail to the postmaster about what is going wrong (notify_classes). */
#ifndef CAUSEWAY_QUEUE_NOTICES_H
#define CAUSEWAY_QUEUE_NOTICES_H

#include "settings/settings.h"

/* What notify_classes can name. */
enum notice_class {
	NOTICE_2BOUNCE, NOTICE_BOUNCE, NOTICE_DATA, NOTICE_DELAY, NOTICE_PROTOCOL, NOTICE_RESOURCE, NOTICE_SOFTWARE
};

bool notices_wanted(const struct settings *, enum notice_class);

#endif
