/* What a start makes of every combination of files and journal lines, and of a damaged journal. */
#include <time.h>

#include "format/journal/crc32c.h"

#include "spool_world.h"

#define A "0B00000001"
#define A2 "0B00000002"
#define WIRE "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n" \
	"x\r\n.\r\n"
#define LF "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\nRCPT TO:<c@example.org>\nDATA\nx\n.\n"

/* ---- making a spool as a crash may have left it ---- */

/* Lines are texts, each with its LF; "!" ahead of one damages it. */
static void write_journal(const struct world *w, const char *lines)
{
	struct buf out;
	struct text rest = text_of(lines), text;

	buf_init(&out, 1 << 20);
	while (rest.n) {
		bool damaged = *rest.p == '!';
		size_t start = out.len;

		ck_assert(text_until(&rest, '\n', &text));
		if (damaged)
			text = text_make(text.p + 1, text.n - 1);
		buf_fmt(&out, "%08x %zu %.*s\n", crc32c(text.p, text.n), text.n, (int)text.n, text.p);
		if (damaged)
			out.data[start + 20] ^= 1;
	}
	world_write(w, "queue/journal", out.len ? out.data : "", out.len);
	buf_free(&out);
}

/* Files are names, separated by blanks; the suffix says what is in them. */
static void write_files(const struct world *w, const char *files)
{
	struct text rest = text_of(files), name;

	while (text_word(&rest, &name)) {
		char path[300];
		bool several = memmem(name.p, name.n, ".2.drop", 7), drop = name.n > 5
			&& memcmp(name.p + name.n - 5, ".drop", 5) == 0;
		const char *content = several ? LF LF : drop ? LF : WIRE;

		snprintf(path, sizeof path, "queue/%.*s", (int)name.n, name.p);
		world_write(w, path, content, strlen(content));
	}
}

static struct world *left_behind(const char *files, const char *lines)
{
	struct world *w = world_new();

	world_open(w);
	world_close(w);
	write_journal(w, lines);
	write_files(w, files);
	return w;
}

/* ---- the table ---- */

#define IN "in " A " time=1700000000000 uid=7 size=6 rcpts=2 hops=1 flags=0 origin=drop\n"
#define IN2 "in " A2 " time=1700000000000 uid=7 size=6 rcpts=2 hops=1 flags=0 origin=drop\n"
#define IN_REPORT "in " A "-1 time=1700000000000 uid=0 size=6 rcpts=2 hops=0 flags=0 origin=report\n"
#define SENT(n) "result " A " rcpt=" n " status=s when=5 dsn=2.0.0 peer=p text=ok\n"
#define LATER(n) "result " A " rcpt=" n " status=d when=5 dsn=4.0.0 peer=p text=not now\n"

static const struct {
	const char *files, *lines;
	unsigned known, arrived, messages;   /* told as known, told as arrived, files with an id in the end */
	/* of the first known message */
	uint64_t uid;
	uint8_t final;
	int64_t next;
	unsigned attempts;
	bool held;
	unsigned suspect, reports;
	const char *reason;
} rows[] = {
	{ "", "", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	/* one message */
	{ A, IN, 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	/* no line tells of it: a claim, or its `in` is damaged */
	{ A, "", 0, 1, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A, "!" IN, 0, 1, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A, "claim " A " dir=drop name=x\n", 0, 1, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A, "hold " A " held=0\n", 1, 0, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A, IN "done " A "\n", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	{ "", IN "done " A "\n", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	/* lost by something that is not us */
	{ "", IN, 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	{ A, IN "!done " A "\n", 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	{ A, IN SENT("0"), 1, 0, 1, 7, 1, 0, 0, false, 0, 0, "" },
	{ A, IN SENT("1"), 1, 0, 1, 7, 2, 0, 0, false, 0, 0, "" },
	{ A, IN "!" SENT("0") SENT("1"), 1, 0, 1, 7, 2, 0, 0, false, 0, 0, "" },
	/* what is known of recipients stays */
	{ A, "!" IN SENT("0"), 1, 0, 1, 0, 1, 0, 0, false, 0, 0, "" },
	{ A, IN LATER("0") "next " A " when=99 attempts=3\n", 1, 0, 1, 7, 0, 99, 3, false, 0, 0, "not now" },
	{ A, IN LATER("0") "next " A " when=99 attempts=3\nnext " A " when=100 attempts=4\n", 1, 0, 1, 7, 0,
	100, 4, false, 0, 0, "not now" },
	{ A, IN "hold " A " held=1\n", 1, 0, 1, 7, 0, 0, 0, true, 0, 0, "" },
	{ A, IN "hold " A " held=1\nhold " A " held=0\n", 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	{ A, IN "suspect " A " count=2\n", 1, 0, 1, 7, 0, 0, 0, false, 2, 0, "" },
	{ A, IN "frobnicate " A " x=1\n", 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	/* `in` resets what an older use of the id left */
	{ A, SENT("0") IN, 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	{ A, "done " A "\n" IN, 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	/* claims */
	{ A ".drop", "", 0, 1, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".drop", "claim " A " dir=drop name=x\n", 0, 1, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".drop " A ".part", "", 0, 1, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".drop " A, "", 1, 0, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".drop " A, IN, 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	{ A ".drop", IN "done " A "\n", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".drop " A, IN "done " A "\n", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".part", "", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".1.part " A ".2.part", "", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	/* several messages of one file */
	{ A ".2.drop", "", 0, 2, 2, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".2.drop " A ".part " A ".1.part", "", 0, 2, 2, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".2.drop " A, "", 1, 1, 2, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".2.drop " A2, "", 1, 1, 2, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".2.drop " A " " A2, "", 2, 0, 2, 0, 0, 0, 0, false, 0, 0, "" },
	{ A ".2.drop " A " " A2, IN IN2, 2, 0, 2, 7, 0, 0, 0, false, 0, 0, "" },
	{ A ".2.drop " A, IN IN2 "done " A2 "\n", 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	{ A ".2.drop", IN IN2 "done " A2 "\n" "done " A "\n", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	/* only what never was there is made again */
	{ A ".2.drop " A2, IN IN2 "done " A2 "\n", 0, 1, 1, 0, 0, 0, 0, false, 0, 0, "" },
	/* reports */
	{ A " " A "-1", IN "report " A "-1\n" IN_REPORT, 2, 0, 2, 0, 0, 0, 0, false, 0, 0, NULL },
	/* its parent does not name it */
	{ A " " A "-1", IN, 1, 0, 1, 7, 0, 0, 0, false, 0, 0, "" },
	{ A "-1", "", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
	{ A "-1", "report " A "-1\n", 1, 0, 1, 0, 0, 0, 0, false, 0, 0, "" },
	/* the line that named it may be the damaged one */
	{ A "-1", "!report " A "-1\n!" IN_REPORT, 1, 0, 1, 0, 0, 0, 0, false, 0, 0, "" },
	{ A, IN "report " A "-1\nreport " A "-3\n", 1, 0, 1, 7, 0, 0, 0, false, 0, 3, "" },
	{ A "-1", IN "report " A "-1\n" IN_REPORT "done " A "\n", 1, 0, 1, 0, 0, 0, 0, false, 0, 0, "" },
	/* what is none of ours */
	{ "README " A ".x.drop", "", 0, 0, 0, 0, 0, 0, 0, false, 0, 0, "" },
};

static void check_first(const struct world_known *k, int row)
{
	ck_assert_uint_eq(k->known.uid, rows[row].uid);
	ck_assert_uint_eq(k->final[0], rows[row].final);
	ck_assert_int_eq(k->known.next, rows[row].next);
	ck_assert_uint_eq(k->known.attempts, rows[row].attempts);
	ck_assert_int_eq(k->known.held, rows[row].held);
	ck_assert_uint_eq(k->known.suspect, rows[row].suspect);
	ck_assert_uint_eq(k->known.reports, rows[row].reports);
	ck_assert_str_eq(k->reason, rows[row].reason);
}

START_TEST(test_start)
{
	struct world *w = left_behind(rows[_i].files, rows[_i].lines);

	world_open(w);
	world_wait(w, w->arrived_count == rows[_i].arrived
		&& world_count(w, "queue", ".drop") == (strstr(rows[_i].files, ".x.") ? 1u : 0u)
		&& world_messages(w) == rows[_i].messages);
	ck_assert_uint_eq(w->known_count, rows[_i].known);
	if (rows[_i].known && rows[_i].reason)
		check_first(&w->known[0], _i);
	world_close(w);
	ck_assert_uint_eq(world_messages(w), rows[_i].messages);
	ck_assert_uint_eq(world_count(w, "queue", ".part"), 0);
	/* once more: nothing is known twice, nothing comes back */
	world_open(w);
	ck_assert_uint_eq(w->known_count, rows[_i].messages);
	world_close(w);
	ck_assert_uint_eq(w->arrived_count, 0);
	world_free(w);
}
END_TEST

/* ---- the old name of a claim ---- */

static const struct { const char *lines, *bad; } claims[] = {
	{ "claim " A " dir=drop name=my%20file\n", "drop/bad/my file" },
	{ "", "drop/bad/" A },
	{ "!claim " A " dir=drop name=my%20file\n", "drop/bad/" A },
};

START_TEST(test_bad_name)
{
	struct world *w = left_behind("", claims[_i].lines);

	world_write(w, "queue/" A ".drop", "no message\n", 11);
	world_open(w);
	world_wait(w, w->refused_count == 1);
	ck_assert(world_exists(w, claims[_i].bad));
	world_free(w);
}
END_TEST

/* ---- ids ---- */

static const struct { const char *files, *lines, *above; } used[] = {
	{ "0JB0000001", "", "0JB0000001" },
	{ "", "high 0JB0000001\n", "0JB0000001" },
	{ "", "done 0JB0000001\n", "0JB0000001" },
	{ "0JB0000001.5.drop", "", "0JB0000005" },
	{ "0JB0000001-7", "", "0JB0000001" },
};

START_TEST(test_ids_are_new)
{
	struct world *w = left_behind(used[_i].files, used[_i].lines);
	uint64_t above;

	ck_assert(queue_id_parse(used[_i].above, 10, &above));
	world_open(w);
	ck_assert_uint_gt(spool_new_id(w->spool), above);
	world_free(w);
}
END_TEST

/* ---- time ---- */

static const struct { const char *shift; bool same_boot; int64_t by; } jumps[] = {
	{ "same clock", true, 0 },
	{ "the clock was set forward by an hour", true, 3600000 },
	{ "the clock was set back by an hour", true, -3600000 },
	{ "another boot", false, 3600000 },
};

static int64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

START_TEST(test_clock_jump)
{
	struct world *w;
	char lines[1000], boot_id[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
	int64_t old_wall = clock_ms(CLOCK_REALTIME) - jumps[_i].by;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%63s", boot_id), 1);
	fclose(f);
	snprintf(lines, sizeof lines, "time when=%lld boot=%lld bootid=%s\n" IN "next " A " when=%lld "
		"attempts=1\n", (long long)old_wall,
		(long long)clock_ms(CLOCK_BOOTTIME), jumps[_i].same_boot ? boot_id : "another",
		(long long)old_wall + 60000);
	w = left_behind(A, lines);
	world_open(w);
	ck_assert_uint_eq(w->known_count, 1);
	/* a minute from now by the clock as it is, whatever it was when this was written; mostly a few ms pass
	 * meanwhile */
	ck_assert_int_le(llabs(w->known[0].known.next - (old_wall + 60000 + (jumps[_i].same_boot
		? jumps[_i].by : 0))), 30000);
	world_free(w);
}
END_TEST

/* ---- damage ---- */

/* Two messages of which one recipient is settled, one finished message, one report. */
static const char damage_files[] = A " " A2 " " A "-1";
static const char damage_lines[] = "high "
	"0C00000000\n" IN IN2 SENT("0") "report " A "-1\n" IN_REPORT LATER("1") "next " A " when=5 "
	"attempts=1\n"
	"in 0B00000003 time=1 uid=1 size=1 rcpts=1 hops=0 flags=0 origin=drop\ndone 0B00000003\n";

static void flip(const struct world *w, size_t offset, int bit)
{
	size_t n;
	char *bytes = world_read(w, "queue/journal", &n);

	ck_assert_uint_lt(offset, n);
	bytes[offset] ^= (char)(1 << bit);
	world_write(w, "queue/journal", bytes, n);
	free(bytes);
}

/* One flipped bit at each offset: never a lost message. */
START_TEST(test_bit_flip)
{
	struct world *w = left_behind(damage_files, damage_lines);
	size_t size = 0;

	free(world_read(w, "queue/journal", &size));
	for (size_t offset = (size_t)_i; offset < size; offset += 8) {
		write_journal(w, damage_lines);
		flip(w, offset, (int)(offset / 8 % 8));
		world_open(w);
		world_wait(w, w->known_count + w->arrived_count == 3);
		world_close(w);
		ck_assert_uint_eq(world_messages(w), 3);
	}
	world_free(w);
}
END_TEST

/* A journal that ends anywhere: what it says is true as far as it goes, and the next line that is written can
 * be read. */
START_TEST(test_cut_off)
{
	struct world *w = left_behind(A, IN SENT("0"));
	size_t size, n;
	char *bytes = world_read(w, "queue/journal", &size);
	uint64_t id;

	ck_assert(queue_id_parse(A, strlen(A), &id));
	for (n = (size_t)_i; n < size; n += 4) {
		world_write(w, "queue/journal", bytes, n);
		world_open(w);
		world_wait(w, w->known_count + w->arrived_count == 1);
		spool_hold(w->spool, id, true);
		world_commit(w);
		world_close(w);
		world_open(w);
		ck_assert_uint_eq(w->known_count, 1);
		ck_assert(w->known[0].known.held);
		world_close(w);
	}
	free(bytes);
	world_free(w);
}
END_TEST

/* ---- a new report has the name of one that nobody named ---- */

static void nothing(void *arg)
{
	(void)arg;
}

START_TEST(test_report_of_same_name)
{
	static const char head[] = "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n";
	struct world *w = left_behind(A " " A "-1", IN);
	char file[200];
	char *bytes;
	size_t n;

	snprintf(file, sizeof file, "%snew\r\n.\r\n", head);
	world_begin(w, NULL);
	world_wait(w, w->known_count == 1);
	spool_report(w->spool, w->known[0].known.id + 1, file, strlen(file), strlen(head), nothing, NULL);
	world_wait(w, w->arrived_count == 1 && w->ready);
	world_close(w);
	bytes = world_read(w, "queue/" A "-1", &n);
	ck_assert_str_eq(bytes, file);
	free(bytes);
	world_free(w);
}
END_TEST

/* ---- a message that stays ---- */

enum { ATTEMPTS = 20, RCPTS = 1000 };

START_TEST(test_deferrals_do_not_pile_up)
{
	struct world *w = left_behind(A, IN);
	char text[400];
	struct spool_result result = { .status = 'd', .dsn = "4.0.0", .peer = "p", .text = text };
	struct spool_state state;
	uint64_t id;

	world_open(w);
	id = w->known[0].known.id;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
		result.when = attempt;
		text[0] = (char)('a' + attempt);
		for (result.rcpt = 0; result.rcpt < RCPTS; result.rcpt++)
			spool_result(w->spool, id, &result);
		spool_next(w->spool, id, (int64_t)1000000 * attempt, attempt);
		world_commit(w);
	}
	/* each attempt is half a MB, all of them ten; the last is kept, and what came while the journal was
	 * rewritten */
	world_wait(w, (spool_state(w->spool, &state), state.journal_bytes < 4000000));
	world_close(w);
	world_open(w);
	ck_assert_uint_eq(w->known_count, 1);
	ck_assert_uint_eq(w->known[0].known.attempts, ATTEMPTS);
	ck_assert_int_le(llabs(w->known[0].known.next - (int64_t)1000000 * ATTEMPTS), 5000);
	ck_assert_int_eq(w->known[0].reason[0], 'a' + ATTEMPTS);
	world_free(w);
}
END_TEST

/* ---- queue files ---- */

static const struct { const char *content; bool good; } contents[] = {
	{ WIRE, true },
	{ "", false },
	{ "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@exa", false },
	{ "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n", false },
	{ "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r", false },
	{ "MAIL FROM:<a@example.org>\r\nDATA\r\nx\r\n.\r\n", false },
	{ "\0\0\0\0", false },
};

START_TEST(test_load)
{
	/* with and without `in`, which tells the size */
	struct world *w = left_behind(A, _i % 2 ? IN : "hold " A " held=0\n");
	int row = _i / 2;

	world_write(w, "queue/" A, contents[row].content, strlen(contents[row].content));
	world_open(w);
	ck_assert_uint_eq(w->known_count, 1);
	spool_load(w->spool, w->known[0].known.id, world_loaded, w);
	world_wait(w, w->load_done);
	ck_assert_int_eq(w->loaded != NULL, contents[row].good);
	if (w->loaded) {
		ck_assert_uint_eq(w->loaded->envelope->count, 2);
		ck_assert_uint_eq(w->loaded->content_size, 6);
		ck_assert_uint_eq(w->loaded->content_at + 6, strlen(WIRE));
		ck_assert_uint_eq(w->loaded->hops, _i % 2);
		ck_assert_int_ge(w->loaded->fd, 0);
	}
	ck_assert_uint_eq(w->corrupt_count, !contents[row].good);
	ck_assert_int_eq(world_exists(w, "corrupt/" A), !contents[row].good);
	world_close(w);
	world_open(w);
	ck_assert_uint_eq(w->known_count, contents[row].good);
	world_free(w);
}
END_TEST

START_TEST(test_load_of_nothing)
{
	struct world *w = left_behind("", "");

	world_open(w);
	spool_load(w->spool, 12345, world_loaded, w);
	world_wait(w, w->load_done);
	ck_assert_ptr_null(w->loaded);
	ck_assert_uint_eq(w->corrupt_count, 0);
	world_free(w);
}
END_TEST

static void keep_lines(void *arg, const char *lines)
{
	*(char **)arg = mem_str(lines);
}

START_TEST(test_history)
{
	struct world *w = left_behind(A " " A2, IN IN2 SENT("0") LATER("1"));
	struct text rest, line;
	char *lines = NULL;
	int count = 0;

	world_open(w);
	spool_history(w->spool, w->known[0].known.id < w->known[1].known.id ? w->known[0].known.id
		: w->known[1].known.id, keep_lines, &lines);
	ck_assert_ptr_null(lines);
	world_wait(w, lines);
	for (rest = text_of(lines); text_until(&rest, '\n', &line); count++)
		ck_assert_ptr_nonnull(strstr(line.p, " " A " "));
	ck_assert_int_eq(count, 3);
	ck_assert_uint_eq(rest.n, 0);
	free(lines);
	world_free(w);
}
END_TEST

/* Whether its sender was told that a message is late, and until when that is known. */
static const struct { const char *journal; bool warned; } warnings[] = {
	{ IN, false },
	{ IN "warned " A "\n", true },
	{ IN "!warned " A "\n", false },
	{ IN "warned " A "\n" IN, false },   /* the id was used again */
};

START_TEST(test_warned)
{
	struct world *w = left_behind(A, warnings[_i].journal);

	world_open(w);
	ck_assert_uint_eq(w->known_count, 1);
	ck_assert_int_eq(w->known[0].known.warned, warnings[_i].warned);
	world_close(w);
	world_free(w);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "start", test_start, UNIT_ROWS(rows), 0 },
		{ "bad name", test_bad_name, UNIT_ROWS(claims), 0 },
		{ "ids are new", test_ids_are_new, UNIT_ROWS(used), 0 },
		{ "clock jump", test_clock_jump, UNIT_ROWS(jumps), 0 },
		{ "bit flip", test_bit_flip, 8, 0 },
		{ "cut off", test_cut_off, 4, 0 },
		{ "report of the same name", test_report_of_same_name, 1, 0 },
		{ "deferrals do not pile up", test_deferrals_do_not_pile_up, 1, 0 },
		{ "warned", test_warned, UNIT_ROWS(warnings), 0 },
		{ "load", test_load, 2 * UNIT_ROWS(contents), 0 },
		{ "load of nothing", test_load_of_nothing, 1, 0 },
		{ "history", test_history, 1, 0 },
	};

	return unit_main("spool/recover", cases, UNIT_ROWS(cases));
}
