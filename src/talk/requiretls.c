#include "talk/requiretls.h"

static const char *const names[] = { "disable", "opportunistic", "opportunistic+starttls", "enforce",
	"error" };

bool requiretls_read(struct text word, enum requiretls *action)
{
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is_nocase(word, names[i])) {
			*action = (enum requiretls)i;
			return true;
		}
	return false;
}

const char *requiretls_name(enum requiretls action)
{
	return names[action];
}

void requiretls_describe(struct requiretls_outcome o, struct buf *out)
{
	static const char *const endings[] = { "?", "", ":nocertmatch", ":none", ":nostarttls", ":noencryption" };

	buf_fmt(out, "%srequiretls%s", o.violated ? "!" : "", endings[o.lack]);
}
