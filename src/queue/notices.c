#include "queue/notices.h"

#include "base/text.h"

static const char *const names[] = {
	[NOTICE_2BOUNCE] = "2bounce", [NOTICE_BOUNCE] = "bounce", [NOTICE_DATA] = "data", [NOTICE_DELAY] = "delay",
	[NOTICE_PROTOCOL] = "protocol", [NOTICE_RESOURCE] = "resource", [NOTICE_SOFTWARE] = "software",
};

bool notices_wanted(const struct settings *s, enum notice_class class)
{
	return text_list_has(s->notify_classes, names[class]);
}
