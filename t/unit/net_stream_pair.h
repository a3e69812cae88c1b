/* A stream and the other end of its connection, for tests of streams. */
#ifndef UNIT_NET_STREAM_PAIR_H
#define UNIT_NET_STREAM_PAIR_H

#include "unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"

/* *far blocks unless flags of accept4 say otherwise. The stream tells `opened` from the loop, as ever. */
static inline struct stream *stream_pair(struct stream_shared *shared, const struct stream_events *events,
	int *far, int flags)
{
	struct endpoint at = { .at.any.sa_family = AF_UNIX, .size = sizeof at.at };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stream *s;

	/* the kernel finds a name */
	ck_assert_int_eq(bind(listener, &at.at.any, sizeof at.at.any.sa_family), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, &at.at.any, &at.size), 0);
	s = stream_connect(shared, &at, NULL, false, events, NULL);
	*far = accept4(listener, NULL, NULL, flags | SOCK_CLOEXEC);
	ck_assert_int_ge(*far, 0);
	close(listener);
	return s;
}

#endif
