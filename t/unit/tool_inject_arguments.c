#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "tool/inject_arguments.h"

enum { ARGUMENTS_MAX = 12 };

struct row {
	const char *argv[ARGUMENTS_MAX];
	const char *expected;
};

/* The envelope as it is printed, its line ends as '|', then the flags. */
static const struct row good[] = {
	{ { "causeway-inject", "a@x" }, "MAIL FROM:<>|RCPT TO:<a@x>|" },
	{ { "causeway-inject", "-f", "s@x", "a@x", "b" }, "MAIL FROM:<s@x>|RCPT TO:<a@x>|RCPT TO:<b>| f" },
	{ { "causeway-inject", "-fs@x", "a@x" }, "MAIL FROM:<s@x>|RCPT TO:<a@x>| f" },
	{ { "causeway-inject", "-f", "", "a@x" }, "MAIL FROM:<>|RCPT TO:<a@x>| f" },
	{ { "causeway-inject", "-f", "<>", "a@x" }, "MAIL FROM:<>|RCPT TO:<a@x>| f" },
	{ { "causeway-inject", "-f", "<s@x>", "<a@x>" }, "MAIL FROM:<s@x>|RCPT TO:<a@x>| f" },
	{ { "causeway-inject", "a@x", "A@x", "a@x" }, "MAIL FROM:<>|RCPT TO:<a@x>|RCPT TO:<A@x>|" },
	{ { "causeway-inject", "--", "-f" }, "MAIL FROM:<>|RCPT TO:<-f>|" },
	{ { "causeway-inject", "a@x", "-t" }, "MAIL FROM:<>|RCPT TO:<a@x>|RCPT TO:<-t>|" },
	{ { "causeway-inject", "\"a,b\"@x" }, "MAIL FROM:<>|RCPT TO:<\"a,b\"@x>|" },
	{ { "causeway-inject", "-t" }, "MAIL FROM:<>| t" },
	{ { "causeway-inject", "-ti", "-F", "Full Name", "-c", "/a/file" },
		"MAIL FROM:<>| ti F=Full Name c=/a/file" },
	{ { "causeway-inject", "-oi", "a@x" }, "MAIL FROM:<>|RCPT TO:<a@x>| i" },
	{ { "causeway-inject", "-toi" }, "MAIL FROM:<>| ti" },
	{ { "causeway-inject", "-N", "success,FAILURE", "a@x", "b@x" },
		"MAIL FROM:<>|RCPT TO:<a@x> NOTIFY=SUCCESS,FAILURE|RCPT TO:<b@x> NOTIFY=SUCCESS,FAILURE|" },
	{ { "causeway-inject", "-N", "never", "-N", "delay", "a@x" },
		"MAIL FROM:<>|RCPT TO:<a@x> NOTIFY=DELAY|" },
	{ { "causeway-inject", "-R", "hdrs", "-f", "s@x", "a@x" },
		"MAIL FROM:<s@x> RET=HDRS|RCPT TO:<a@x>| f" },
	{ { "causeway-inject", "-B8BITMIME", "-R", "Full", "a@x" },
		"MAIL FROM:<> BODY=8BITMIME RET=FULL|RCPT TO:<a@x>|" },
	{ { "causeway-inject", "-V", "id+1 =x", "-V", "id 2", "a@x" },
		"MAIL FROM:<> ENVID=id+202|RCPT TO:<a@x>|" },
	{ { "causeway-inject", "--help", "--nonsense" }, "help" },
	{ { "causeway-inject", "-f", "a b", "--version" }, "version" },
	{ { "/usr/lib/sendmail", "a@x, B <b@x>", "c@x" },
		"MAIL FROM:<>|RCPT TO:<a@x>|RCPT TO:<b@x>|RCPT TO:<c@x>| s" },
	{ { "sendmail", "-r", "S <s@x>", "-t" }, "MAIL FROM:<s@x>| stf" },
	{ { "sendmail", "-oem", "-odb", "-om", "-bm", "-O", "A=b", "-h", "10", "-L", "tag", "a@x" },
		"MAIL FROM:<>|RCPT TO:<a@x>| s" },
	{ { "sendmail", "-Am", "-C", "/f", "-d0.1", "-e", "m", "-G", "-m", "-n", "a@x" },
		"MAIL FROM:<>|RCPT TO:<a@x>| s" },
	{ { "sendmail", "-Ac", "-d", "-q", "-q1h", "-U", "-v", "-X", "/log", "-p", "SMTP", "a@x" },
		"MAIL FROM:<>|RCPT TO:<a@x>| s" },
	{ { "sendmail", "-o", "x", "-D", "log", "-x", "-a", "-i", "a@x" },
		"MAIL FROM:<>|RCPT TO:<a@x>| si" },
};

/* A word of the complaint. */
static const struct row bad[] = {
	{ { "causeway-inject" }, "no recipient" },
	{ { "causeway-inject", "-f", "a@x" }, "no recipient" },
	{ { "causeway-inject", "--" }, "no recipient" },
	{ { "causeway-inject", "-f" }, "needs a value" },
	{ { "causeway-inject", "-c" }, "'-c': needs a value" },
	{ { "causeway-inject", "-z", "a@x" }, "'-z': unknown" },
	{ { "causeway-inject", "-iz", "a@x" }, "'-z': unknown" },
	{ { "causeway-inject", "--nonsense", "a@x" }, "'--nonsense': unknown" },
	{ { "causeway-inject", "--help=x", "a@x" }, "'--help=x'" },
	{ { "causeway-inject", "-\x1b[2J", "a@x" }, "'-?'" },
	{ { "causeway-inject", "-bs", "a@x" }, "'-b': unknown" },
	{ { "causeway-inject", "-om", "a@x" }, "only -oi" },
	{ { "causeway-inject", "-i", "-om", "a@x" }, "only -oi" },
	{ { "causeway-inject", "--wait=0", "a@x" }, "--wait '0': is not a time above 0" },
	{ { "causeway-inject", "--wait=-5", "a@x" }, "--wait '-5': is not a time" },
	{ { "causeway-inject", "--wait=", "a@x" }, "--wait '': is not a time" },
	{ { "causeway-inject", "--wait=soon", "a@x" }, "--wait 'soon': is not a time" },
	{ { "causeway-inject", "-N", "sometimes", "a@x" }, "-N 'sometimes': NOTIFY is not" },
	{ { "causeway-inject", "-N", "", "a@x" }, "NOTIFY is not" },
	{ { "causeway-inject", "-N", "never,delay", "a@x" }, "NEVER beside others" },
	{ { "causeway-inject", "-N", "delay ORCPT=rfc822;x", "a@x" }, "blank" },
	{ { "causeway-inject", "-R", "none", "a@x" }, "RET is not" },
	{ { "causeway-inject", "-R", "full BODY=7BIT", "a@x" }, "more than one word" },
	{ { "causeway-inject", "-R", "full\tBODY=7BIT", "a@x" }, "control" },
	{ { "causeway-inject", "-B", "9BIT", "a@x" }, "BODY is not" },
	{ { "causeway-inject", "-B", "BINARYMIME", "a@x" }, "is not 7BIT or 8BITMIME" },
	{ { "causeway-inject", "-V", "", "a@x" }, "ENVID" },
	{ { "causeway-inject", "-V", "a\nb", "a@x" }, "ENVID" },
	{ { "causeway-inject", "-V",
		"123456789-123456789-123456789-123456789-123456789-123456789-123456789-123456789-"
		"123456789-123456789-x",
		"a@x" },
		"longer than 100" },
	{ { "causeway-inject", "-f", "a b", "a@x" }, "sender 'a b': " },
	{ { "causeway-inject", "-f", "<s@x>z", "a@x" }, "behind the address" },
	{ { "causeway-inject", "-f", "s@x\r\nRCPT TO:<z@x>", "a@x" }, "sender 's@x??RCPT" },
	{ { "causeway-inject", "" }, "recipient ''" },
	{ { "causeway-inject", "<>" }, "is empty" },
	{ { "causeway-inject", "a@" }, "recipient 'a@'" },
	{ { "causeway-inject", "a@x", "u v@x" }, "recipient 'u v@x'" },
	{ { "causeway-inject", "a@x,b@x" }, "recipient 'a@x,b@x'" },
	{ { "causeway-inject", "<a@x" }, "recipient '<a@x'" },
	{ { "causeway-inject", "A <a@x>" }, "recipient 'A <a@x>'" },
	{ { "causeway-inject", "a\x01@x" }, "control" },
	{ { "causeway-inject", "a@x\r\nRCPT TO:<b@x>" }, "recipient" },
	{ { "causeway-inject", "\xff@x" }, "UTF-8" },
	{ { "causeway-inject", "-t", "a@" }, "recipient 'a@'" },
	{ { "sendmail" }, "no recipient" },
	{ { "sendmail", "-q" }, "no recipient" },
	{ { "sendmail", "-p", "a@x" }, "no recipient" },
	{ { "sendmail", "a@x, b c" }, "side by side" },
	{ { "sendmail", "-f", "a@x,b@x", "c@x" }, "not one address" },
	{ { "sendmail", "-f", ",", "c@x" }, "not one address" },
	{ { "sendmail", "-bs" }, "-bm" },
	{ { "sendmail", "-bd" }, "-bm" },
	{ { "sendmail", "-bi" }, "-bm" },
	{ { "sendmail", "-I" }, "-bm" },
	{ { "sendmail", "-bp" }, "causewayctl queue" },
	{ { "sendmail", "-b" }, "needs a value" },
	{ { "sendmail", "-O" }, "needs a value" },
	{ { "sendmail", "-Z", "a@x" }, "'-Z': unknown" },
	{ { "sendmail", "-R", "none", "a@x" }, "RET is not" },
	{ { "sendmail", "--wait=x", "a@x" }, "is not a time" },
};

static int count(const struct row *row)
{
	int n = 0;

	while (n < ARGUMENTS_MAX && row->argv[n])
		n++;
	return n;
}

static bool read_row(const struct row *row, struct inject_arguments *a, char **why)
{
	char *argv[ARGUMENTS_MAX + 1];

	memcpy(argv, row->argv, sizeof(row->argv));
	argv[ARGUMENTS_MAX] = NULL;
	*why = NULL;
	return inject_arguments_read(a, count(row), argv, why);
}

static void print_flags(const struct inject_arguments *a, struct buf *out)
{
	char flags[8] = "";

	strcat(flags, a->as_sendmail ? "s" : "");
	strcat(flags, a->from_header ? "t" : "");
	strcat(flags, a->dot_is_text ? "i" : "");
	strcat(flags, a->sender_given ? "f" : "");
	if (*flags)
		buf_fmt(out, " %s", flags);
	if (a->full_name)
		buf_fmt(out, " F=%s", a->full_name);
	if (a->config_file)
		buf_fmt(out, " c=%s", a->config_file);
}

static void print(const struct inject_arguments *a, struct buf *out)
{
	char *from, *to;

	if (a->action != INJECT_MESSAGE) {
		buf_str(out, a->action == INJECT_HELP ? "help" : "version");
		return;
	}
	envelope_print(a->envelope, out);
	out->len -= strlen("DATA\r\n");
	out->data[out->len] = '\0';
	for (from = to = out->data; *from; from++)
		if (*from != '\r')
			*to++ = *from == '\n' ? '|' : *from;
	out->len = (size_t)(to - out->data);
	*to = '\0';
	print_flags(a, out);
}

START_TEST(test_reads)
{
	struct inject_arguments a;
	struct buf out;
	char *why;

	ck_assert_msg(read_row(&good[_i], &a, &why), "%s", why);
	buf_init(&out, 4096);
	print(&a, &out);
	ck_assert_str_eq(buf_text(&out), good[_i].expected);
	buf_free(&out);
	inject_arguments_release(&a);
}
END_TEST

START_TEST(test_refuses)
{
	struct inject_arguments a;
	char *why;

	ck_assert_msg(!read_row(&bad[_i], &a, &why), "row %d is taken", _i);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, bad[_i].expected) != NULL, "%s", why);
	ck_assert_msg(!text_has_control(text_of(why)), "%s", why);
	free(why);
	inject_arguments_release(&a);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads", test_reads, UNIT_ROWS(good), 0 },
		{ "refuses", test_refuses, UNIT_ROWS(bad), 0 },
	};

	return unit_main("tool/inject_arguments", cases, UNIT_ROWS(cases));
}
