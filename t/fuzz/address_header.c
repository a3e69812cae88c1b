/* The value of a header field: addresses are found in order, each is a good one, and where each is put
 * in its own place again, the same are found. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/address/address.h"
#include "format/header/address_header.h"

enum { VALUE_MAX = 1 << 20 };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* The value with each address in the place where it was found, and how many there are. */
static size_t put_in_place(struct text value, struct buf *out, struct buf *addresses)
{
	struct address_header h;
	const char *done = value.p, *why;
	size_t count = 0;

	address_header_init(&h);
	address_header_begin(&h, value);
	while (address_header_next(&h)) {
		must(h.at.n > 0 && h.at.p >= done && h.at.p + h.at.n <= value.p + value.n);
		must(address_check(text_make(h.address.data, h.address.len), &why));
		buf_add(out, done, (size_t)(h.at.p - done));
		buf_add(out, h.address.data, h.address.len);
		buf_fmt(addresses, "%s\n", h.address.data);
		done = h.at.p + h.at.n;
		count++;
	}
	buf_add(out, done, (size_t)(value.p + value.n - done));
	address_header_free(&h);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first, again, found, found_again;
	size_t count;

	if (size > VALUE_MAX / 4)
		return 0;
	buf_init(&first, VALUE_MAX);
	buf_init(&again, VALUE_MAX);
	buf_init(&found, VALUE_MAX);
	buf_init(&found_again, VALUE_MAX);
	count = put_in_place(text_make((const char *)data, size), &first, &found);
	must(put_in_place(text_make(first.data, first.len), &again, &found_again) == count);
	must(same(&found, &found_again) && same(&first, &again));
	buf_free(&first);
	buf_free(&again);
	buf_free(&found);
	buf_free(&found_again);
	return 0;
}
