#include "courier/content/forwarding.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "format/content/content.h"
#include "talk/transport_flags.h"

#define HEADER_MAX (64 * 1024)   /* bytes of a header looked at */

/* One field; true if it names the recipient. */
static bool names(struct text line, const char *rcpt)
{
	static const char field[] = "Delivered-To:";

	if (!text_starts_nocase(line, field))
		return false;
	line = text_trim(text_make(line.p + sizeof field - 1, line.n - (sizeof field - 1)));
	if (line.n && line.p[line.n - 1] == '\r')
		line = text_trim(text_make(line.p, line.n - 1));
	return text_is_nocase(line, rcpt);
}

bool forwarding_loops(const struct request *r, const char *rcpt, int fd)
{
	size_t size = r->content_size < HEADER_MAX ? (size_t)r->content_size : HEADER_MAX;
	struct text header, line;
	bool found = false;
	char *bytes;
	ssize_t n;

	if (!transport_flags_have(r->flags, FLAG_DELIVERED_TO) || fd < 0)
		return false;
	bytes = mem_alloc(size + 1);
	n = pread(fd, bytes, size, (off_t)r->content_at);
	header = content_header(text_make(bytes, n > 0 ? (size_t)n : 0));
	while (!found && text_until(&header, '\n', &line))
		found = names(line, rcpt);
	free(bytes);
	return found;
}
