#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "tool/ctl_arguments.h"

enum { ARGUMENTS_MAX = 12 };

struct row {
	const char *argv[ARGUMENTS_MAX];     /* without the program's name */
	const char *expected;
};

/* Method, targets and flags. */
static const struct row good[] = {
	{ { "status" }, "GET /status" },
	{ { "status", "--json" }, "GET /status json" },
	{ { "--json", "-c", "/a/file", "status" }, "GET /status json c=/a/file" },
	{ { "status", "-c/a/file", "--socket=/run/x" }, "GET /status c=/a/file s=/run/x" },
	{ { "queue" }, "GET /queue" },
	{ { "queue", "--state", "deferred" }, "GET /queue?state=deferred" },
	{ { "--to", "lmtp:unix:/a b", "queue", "--from", "a+b@x" },
		"GET /queue?to=lmtp%3Aunix%3A%2Fa%20b&from=a%2Bb%40x" },
	{ { "queue", "--older", "2h", "--reason", "x&y=\xc3\xa9" },
		"GET /queue?older=2h&reason=x%26y%3D%C3%A9" },
	{ { "queue", "--from", "" }, "GET /queue?from=" },
	{ { "show", "3kQ9Xb2mT1" }, "GET /queue/3kQ9Xb2mT1" },
	{ { "show", "--content", "3kQ9Xb2mT1-1" }, "GET /queue/3kQ9Xb2mT1-1?content=1" },
	{ { "show", "../x?y#z%" }, "GET /queue/..%2Fx%3Fy%23z%25" },
	{ { "retry", "a", "b" }, "POST /retry?id=a /retry?id=b" },
	{ { "retry", "ALL" }, "POST /retry?all=1" },
	{ { "retry", "--dry-run", "ALL" }, "POST /retry?all=1&dry_run=1 dry" },
	{ { "retry", "--dry-run", "a", "b" }, "POST /retry?id=a&dry_run=1 /retry?id=b&dry_run=1 dry" },
	{ { "retry", "--to", "x", "--dry-run" }, "POST /retry?to=x&dry_run=1 dry" },
	{ { "hold", "--reason", "x" }, "POST /hold?reason=x" },
	{ { "release", "a" }, "POST /release?id=a" },
	{ { "delete", "ALL" }, "POST /delete?all=1" },
	{ { "destinations" }, "GET /destinations" },
	{ { "suspend", "lmtp:x" }, "POST /suspend?name=lmtp%3Ax" },
	{ { "explain", "a@x" }, "GET /explain?name=a%40x" },
	{ { "top" }, "GET /status" },
	{ { "top", "--interval", "500ms" }, "GET /status i=500" },
	{ { "mailq" }, "GET /queue" },
	{ { "reload" }, "POST /reload" },
	{ { "config" }, "GET /config" },
	{ { "config", "lmtp_rcpt_timeout" }, "GET /config/lmtp_rcpt_timeout" },
	{ { "show", "--", "-x" }, "GET /queue/-x" },
	{ { "--help", "nonsense" }, "help" },
	{ { "nonsense", "--version" }, "version" },
};

/* A word of the complaint. */
static const struct row bad[] = {
	{ { NULL }, "no command" },
	{ { "--json" }, "no command" },
	{ { "" }, "unknown command" },
	{ { "nonsense" }, "nonsense: unknown command" },
	{ { "Status" }, "unknown command" },
	{ { "\x1b[2J" }, "?[2J: unknown" },
	{ { "status", "x" }, "x: is one operand too many" },
	{ { "queue", "x" }, "too many" },
	{ { "reload", "x" }, "too many" },
	{ { "config", "a", "b" }, "b: is one operand too many" },
	{ { "show" }, "show: needs an operand" },
	{ { "show", "" }, "empty" },
	{ { "show", "a", "b" }, "too many" },
	{ { "explain" }, "needs an operand" },
	{ { "retry" }, "name messages" },
	{ { "retry", "--dry-run" }, "name messages" },
	{ { "retry", "" }, "empty" },
	{ { "retry", "ALL", "a" }, "stands alone" },
	{ { "retry", "a", "ALL" }, "stands alone" },
	{ { "retry", "ALL", "--to", "x" }, "not both" },
	{ { "retry", "a", "--older", "1h" }, "not both" },
	{ { "delete" }, "name messages" },
	{ { "queue", "--no-such-selector" }, "unknown option" },
	{ { "queue", "-x" }, "unknown option" },
	{ { "queue", "--to" }, "needs a value" },
	{ { "-c" }, "needs a value" },
	{ { "queue", "--json=x" }, "unknown option" },
	{ { "queue", "--older", "nonsense" }, "--older: takes a time" },
	{ { "queue", "--older", "" }, "--older: takes a time" },
	{ { "queue", "--older", "-1h" }, "--older: takes a time" },
	{ { "queue", "--dry-run" }, "no --dry-run" },
	{ { "queue", "--content" }, "no --content" },
	{ { "status", "--to", "x" }, "no selectors" },
	{ { "show", "a", "--from", "x" }, "no selectors" },
	{ { "retry", "a", "--content" }, "no --content" },
	{ { "config", "--dry-run" }, "no --dry-run" },
	{ { "queue", "--interval", "1s" }, "no --interval" },
	{ { "top", "--interval", "99ms" }, "--interval: takes a time" },
	{ { "top", "--interval", "" }, "--interval: takes a time" },
	{ { "top", "--interval", "soon" }, "--interval: takes a time" },
	{ { "top", "x" }, "too many" },
	{ { "mailq", "--to", "x" }, "no selectors" },
};

static bool read_row(const struct row *row, struct ctl_arguments *a, char **why)
{
	char name[] = "causewayctl", *argv[ARGUMENTS_MAX + 2] = { name };
	int argc = 1;

	while (argc <= ARGUMENTS_MAX && row->argv[argc - 1]) {
		argv[argc] = (char *)row->argv[argc - 1];
		argc++;
	}
	*why = NULL;
	return ctl_arguments_read(a, argc, argv, why);
}

static void print(const struct ctl_arguments *a, struct buf *out)
{
	if (a->action != CTL_ASK) {
		buf_str(out, a->action == CTL_HELP ? "help" : "version");
		return;
	}
	buf_str(out, a->method);
	for (size_t i = 0; i < a->count; i++)
		buf_fmt(out, " %s", a->targets[i]);
	buf_str(out, a->json ? " json" : "");
	buf_str(out, a->dry_run ? " dry" : "");
	if (a->interval != 2000)
		buf_fmt(out, " i=%lld", (long long)a->interval);
	if (a->config_file)
		buf_fmt(out, " c=%s", a->config_file);
	if (a->socket)
		buf_fmt(out, " s=%s", a->socket);
}

START_TEST(test_reads)
{
	struct ctl_arguments a;
	struct buf out;
	char *why;

	buf_init(&out, 4096);
	ck_assert_msg(read_row(&good[_i], &a, &why), "%s", why);
	print(&a, &out);
	ck_assert_str_eq(buf_text(&out), good[_i].expected);
	buf_free(&out);
	ctl_arguments_release(&a);
}
END_TEST

START_TEST(test_refuses)
{
	struct ctl_arguments a;
	char *why;

	ck_assert_msg(!read_row(&bad[_i], &a, &why), "row %d is taken", _i);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, bad[_i].expected) != NULL, "%s", why);
	ck_assert_msg(!text_has_control(text_of(why)), "%s", why);
	free(why);
	ctl_arguments_release(&a);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "reads", test_reads, UNIT_ROWS(good), 0 },
		{ "refuses", test_refuses, UNIT_ROWS(bad), 0 },
	};

	return unit_main("tool/ctl_arguments", cases, UNIT_ROWS(cases));
}
