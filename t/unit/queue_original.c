#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue/message/original.h"
#include "unit.h"

enum { ROOM = 1 << 25 };

/* Contents without the dot line, how much of the body's length is added, and how much of it is header. */
static const struct { const char *head; size_t body, header; } originals[] = {
	{ "Subject: x\r\n\r\n", 0, 12 },
	{ "Subject: x\r\n\r\n", 100, 12 },
	{ "\r\n", 10, 0 },
	{ "", 0, 0 },
	{ "Subject: x\r\n", 0, 12 },
	{ "Subject: x\r\n\r\n", 64 * 1024, 12 },
	{ "Subject: x\r\n\r\n", 10 * 1024 * 1024, 12 },
};

struct original {
	int fd;
	struct buf file, out;
	size_t at;
};

static void begin(struct original *o, const char *head)
{
	o->fd = memfd_create("original", MFD_CLOEXEC);
	buf_init(&o->file, ROOM);
	buf_init(&o->out, ROOM);
	buf_str(&o->file, "MAIL FROM:<>\r\nDATA\r\n");
	o->at = o->file.len;
	buf_str(&o->file, head);
}

static bool take(struct original *o, bool headers_only)
{
	buf_clear(&o->out);
	return original_read(o->fd, o->at, o->file.len - o->at, headers_only, &o->out);
}

static void save(struct original *o)
{
	buf_str(&o->file, ".\r\n");
	ck_assert(write(o->fd, o->file.data, o->file.len) == (ssize_t)o->file.len);
}

static void end(struct original *o)
{
	buf_free(&o->file);
	buf_free(&o->out);
	close(o->fd);
}

START_TEST(test_original)
{
	struct original o;
	size_t size;

	begin(&o, originals[_i].head);
	for (size_t n = 0; n < originals[_i].body; n += 10)
		buf_str(&o.file, "..234567\r\n");
	size = o.file.len - o.at;
	save(&o);
	ck_assert(take(&o, false));
	ck_assert_uint_eq(o.out.len, size);
	ck_assert(size == 0 || memcmp(o.out.data, o.file.data + o.at, size) == 0);
	ck_assert(take(&o, true));
	ck_assert_uint_eq(o.out.len, originals[_i].header);
	ck_assert(o.out.len == 0 || memcmp(o.out.data, o.file.data + o.at, o.out.len) == 0);
	end(&o);
}
END_TEST

START_TEST(test_endless_header)
{
	struct original o;

	begin(&o, "");
	for (int i = 0; i < 10000; i++)
		buf_fmt(&o.file, "X-Field-%d: value\r\n", i);
	buf_str(&o.file, "\r\nbody\r\n");
	save(&o);
	ck_assert(take(&o, true));
	ck_assert_uint_le(o.out.len, ORIGINAL_HEADER_MAX);
	ck_assert_uint_ge(o.out.len, ORIGINAL_HEADER_MAX - 100);
	ck_assert_int_eq(o.out.data[o.out.len - 1], '\n');
	end(&o);
}
END_TEST

START_TEST(test_unreadable)
{
	struct buf out;

	buf_init(&out, 1000);
	ck_assert(!original_read(-1, 0, 100, false, &out));
	ck_assert(!original_read(-1, 0, 100, true, &out));
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

/* The file is shorter than it was. */
START_TEST(test_cut_off)
{
	struct original o;

	begin(&o, "Subject: x\r\n\r\nbody\r\n");
	save(&o);
	ck_assert_int_eq(ftruncate(o.fd, (off_t)o.at + 5), 0);
	ck_assert(!take(&o, false));
	ck_assert_uint_eq(o.out.len, 0);
	end(&o);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "original", test_original, UNIT_ROWS(originals), 0 },
		{ "endless header", test_endless_header, 1, 0 },
		{ "unreadable", test_unreadable, 1, 0 },
		{ "cut off", test_cut_off, 1, 0 },
	};

	return unit_main("queue/original", cases, UNIT_ROWS(cases));
}
