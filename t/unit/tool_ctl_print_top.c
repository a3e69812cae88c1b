#include "unit.h"

#include <string.h>

#include "tool/ctl_print_top.h"

#define HEADING " WAITING  SENT/S DEFER/S BOUNC/S  BUSY  IDLE WINDOW STATE     DESTINATION\n"
#define NOTHING "causeway , up 0s: mail flows\n" \
	"queue     0: 0 incoming, 0 active, 0 deferred, 0 held; the oldest 0s\n" \
	"a second  - sent, - deferred, - bounced; files: - taken, - refused\n" \
	"couriers  0, 0 requests in flight; spool: 0 free\n\n"

static const char busy[] = "{\"version\":\"1.0\",\"uptime\":90,\"oldest_seconds\":7200,"
	"\"queue\":{\"total\":10,\"incoming\":1,\"active\":2,\"deferred\":3,\"held\":4},"
	"\"deliveries\":{\"sent\":100,\"deferred\":5,\"bounced\":0},\"spool\":{\"files_taken\":7,"
	"\"free_bytes\":2048},"
	"\"couriers\":[{\"in_flight\":2},{\"in_flight\":3}]}";
static const char busier[] = "{\"version\":\"1.0\",\"uptime\":92,\"oldest_seconds\":7202,"
	"\"queue\":{\"total\":10,\"incoming\":1,\"active\":2,\"deferred\":3,\"held\":4},"
	"\"deliveries\":{\"sent\":125,\"deferred\":6,\"bounced\":0},\"spool\":{\"files_taken\":1007,"
	"\"free_bytes\":2048,\"intake_stopped\":true},\"reason\":\"the disk\\u001b is full\","
	"\"couriers\":[{\"in_flight\":2},{\"in_flight\":3}]}";

/* Two looks that are two seconds apart, and the screen; NULL is a look that was not made. */
static const struct {
	const char *status_before, *status, *destinations_before, *destinations;
	unsigned rows, columns;
	const char *screen;
} shown[] = {
	{ NULL, "{}", NULL, "[]", 0, 1000, NOTHING HEADING },
	{ NULL, "[]", NULL, "{}", 0, 1000, NOTHING HEADING },
	{ NULL, "{\"couriers\":[{\"in_flight\":1}]}", NULL, "[]", 4, 1000,
		"causeway , up 0s: mail flows\nqueue     0: 0 incoming, 0 active, 0 deferred, 0 held; the oldest 0s\n"
		"a second  - sent, - deferred, - bounced; files: - taken, - refused\n"
		"couriers  1, 1 request in flight; spool: 0 free\n" },
	{ NULL, "{\"queue\":5,\"deliveries\":[],\"spool\":\"x\",\"couriers\":{}}", NULL, "[1,null,[]]", 2, 10,
		"causeway ,\nqueue     \n" },
	{ busy, busier, NULL, "[]", 5, 200,
		"causeway 1.0, up 1m: TROUBLE: the disk? is full\n"
		"queue     10: 1 incoming, 2 active, 3 deferred, 4 held; the oldest 2h\n"
		"a second  12 sent, 0.5 deferred, 0 bounced; files: 500 taken, 0 refused\n"
		"couriers  2, 5 requests in flight; spool: 2.0K free, INTAKE IS STOPPED\n\n" },
	/* started anew: what went down says nothing */
	{ busier, busy, NULL, "[]", 3, 200,
		"causeway 1.0, up 1m: mail flows\nqueue     10: 1 incoming, 2 active, 3 deferred, 4 held; the oldest "
		"2h\na second  - sent, - deferred, 0 bounced; files: - taken, 0 refused\n" },
	/* most waiting first, then the busiest; the text of what is alive is history */
	{ "{}", "{}",
		"[{\"number\":2,\"sent\":0},{\"number\":3,\"sent\":10}]",
		"[{\"number\":1,\"transport\":\"lmtp\",\"nexthop\":\"new\",\"state\":\"alive\","
		"\"last_error\":\"old\"},"
		"{\"number\":2,\"transport\":\"lmtp\",\"nexthop\":\"slow\",\"sent\":1,\"state\":\"alive\"},"
		"{\"number\":3,\"transport\":\"lmtp\",\"nexthop\":\"quick\",\"sent\":30,\"busy\":3,\"idle\":1,"
		"\"window\":5,"
		"\"state\":\"alive\"},"
		"{\"number\":4,\"transport\":\"lmtp\",\"nexthop\":\"dead\",\"waiting\":5,\"parked\":6,"
		"\"state\":\"dead\","
		"\"last_error\":\"refused\\n\"}]",
		0, 200,
		"causeway , up 0s: mail flows\nqueue     0: 0 incoming, 0 active, 0 deferred, 0 held; the oldest 0s\n"
		"a second  - sent, - deferred, - bounced; files: - taken, - refused\n"
		"couriers  0, 0 requests in flight; spool: 0 free\n\n" HEADING
		"      11       -       -       -     0     0      0 dead      lmtp:dead  refused?\n"
		"       0      10       0       0     3     1      5 alive     lmtp:quick\n"
		"       0     0.5       0       0     0     0      0 alive     lmtp:slow\n"
		"       0       -       -       -     0     0      0 alive     lmtp:new\n" },
	/* columns are characters */
	{ NULL, "{\"version\":\"\303\244\303\266\303\274\"}", NULL, "[]", 1, 12,
		"causeway \303\244\303\266\303\274\n" },
};

static json_t *parsed(const char *text)
{
	const char *why;

	return text ? json_read(text, strlen(text), &why) : NULL;
}

START_TEST(test_shows)
{
	struct ctl_look before = { parsed(shown[_i].status_before), parsed(shown[_i].destinations_before), 100 };
	struct ctl_look now = { parsed(shown[_i].status), parsed(shown[_i].destinations), 102 };
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ck_assert(now.status && now.destinations);
	ctl_print_top(out, &before, &now, shown[_i].rows, shown[_i].columns, "\n");
	fclose(out);
	ck_assert_str_eq(text, shown[_i].screen);
	free(text);
	json_decref(before.status);
	json_decref(before.destinations);
	json_decref(now.status);
	json_decref(now.destinations);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = { { "shows", test_shows, UNIT_ROWS(shown), 0 } };

	return unit_main("tool/ctl_print_top", cases, UNIT_ROWS(cases));
}
