#include "format/journal/queue_id.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { DIGITS = 10, REPORT_BITS = 12 };

static const uint64_t microseconds_end = UINT64_C(1) << (64 - REPORT_BITS);

uint64_t queue_id_make(uint64_t microseconds, unsigned report)
{
	assert(microseconds < microseconds_end && report <= QUEUE_ID_REPORTS);
	return microseconds << REPORT_BITS | report;
}

uint64_t queue_id_microseconds(uint64_t id)
{
	return id >> REPORT_BITS;
}

unsigned queue_id_report(uint64_t id)
{
	return (unsigned)(id & QUEUE_ID_REPORTS);
}

uint64_t queue_id_parent(uint64_t id)
{
	return id & ~(uint64_t)QUEUE_ID_REPORTS;
}

static char digit_of(unsigned value)
{
	return (char)(value < 10 ? '0' + value : value < 36 ? 'A' + value - 10 : 'a' + value - 36);
}

static int value_of(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A' + 10;
	return digit >= 'a' && digit <= 'z' ? digit - 'a' + 36 : -1;
}

const char *queue_id_print(uint64_t id, char out[QUEUE_ID_SIZE])
{
	uint64_t rest = queue_id_microseconds(id);
	unsigned report = queue_id_report(id);

	for (int i = DIGITS; i-- > 0; rest /= 62)
		out[i] = digit_of((unsigned)(rest % 62));
	out[DIGITS] = '\0';
	if (report)
		snprintf(out + DIGITS, QUEUE_ID_SIZE - DIGITS, "-%u", report & QUEUE_ID_REPORTS);
	return out;
}

/* "-N" as queue_id_print writes it, or nothing. */
static bool parse_report(struct text t, uint64_t *report)
{
	*report = 0;
	if (t.n == 0)
		return true;
	if (t.n < 2 || t.p[0] != '-' || t.p[1] == '0')
		return false;
	t = text_make(t.p + 1, t.n - 1);
	return text_number(&t, QUEUE_ID_REPORTS, report) && t.n == 0;
}

bool queue_id_parse(const char *s, size_t n, uint64_t *id)
{
	uint64_t value = 0, report;

	if (n < DIGITS || !parse_report(text_make(s + DIGITS, n - DIGITS), &report))
		return false;
	for (int i = 0; i < DIGITS; i++) {
		int digit = value_of(s[i]);

		if (digit < 0)
			return false;
		value = value * 62 + (uint64_t)digit;
	}
	if (value >= microseconds_end)
		return false;
	*id = queue_id_make(value, (unsigned)report);
	return true;
}
