#include "tool/ctl_top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tool/ctl_http.h"
#include "tool/ctl_print_top.h"

enum { ANSWER_MAX = 64 * 1024 * 1024, ROWS = 24, COLUMNS = 80, COLUMNS_MAX = 1000 };

/* Sequences that every terminal of today knows (ECMA-48; the first two are xterm's). */
#define OTHER_SCREEN "\033[?1049h\033[?25l"
#define OWN_SCREEN "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define LINE_END "\033[K\n"
#define CLEAR_REST "\033[J"

struct top {
	const struct ctl_arguments *a;
	const char *socket;
	bool terminal, keys;       /* standard output, standard input is one */
	struct termios before;     /* if keys */
	int signals;               /* signalfd(2) */
	struct ctl_look earlier, now;
};

/* --- the terminal ----------------------------------------------------------------------------- */

static void put_bytes(const char *bytes)
{
	fputs(bytes, stdout);
	fflush(stdout);
}

/* Keys come at once and are not shown; signals by keys stay. */
static void take_terminal(struct top *top)
{
	struct termios raw = top->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	if (top->keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	if (top->terminal)
		put_bytes(OTHER_SCREEN);
}

static void give_terminal_back(const struct top *top)
{
	if (top->terminal)
		put_bytes(OWN_SCREEN);
	if (top->keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &top->before);
}

static void begin(struct top *top)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	top->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	top->terminal = isatty(STDOUT_FILENO) && !top->a->json;
	top->keys = top->terminal && tcgetattr(STDIN_FILENO, &top->before) == 0;
	take_terminal(top);
}

static void end(struct top *top)
{
	give_terminal_back(top);
	close(top->signals);
}

/* --- looking ---------------------------------------------------------------------------------- */

static json_t *fetch(const struct top *top, const char *target, char **why)
{
	int fd = ctl_http_connect(top->socket, why);
	struct ctl_http *http = fd < 0 ? NULL : ctl_http_ask(fd, "GET", target, why);
	const char *complaint = "not what was asked for";
	json_t *answer = NULL;
	struct buf body;

	if (!http)
		return NULL;
	buf_init(&body, ANSWER_MAX);
	if (ctl_http_read_all(http, &body, why)) {
		if (ctl_http_status(http) == 200)
			answer = json_read(buf_text(&body), body.len, &complaint);
		if (!answer)
			*why = mem_fmt("the daemon's answer is %s", complaint);
	}
	buf_free(&body);
	ctl_http_free(http);
	return answer;
}

static void forget(struct ctl_look *look)
{
	json_decref(look->status);
	json_decref(look->destinations);
	*look = (struct ctl_look){ 0 };
}

static bool look(struct top *top, char **why)
{
	struct timespec now;

	forget(&top->earlier);
	top->earlier = top->now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	top->now = (struct ctl_look){ .at = (double)now.tv_sec + (double)now.tv_nsec / 1e9 };
	top->now.status = fetch(top, "/status", why);
	if (top->now.status)
		top->now.destinations = fetch(top, "/destinations", why);
	if (!*why)
		return true;
	forget(&top->now);
	return false;
}

/* --- showing ---------------------------------------------------------------------------------- */

static void show_on_terminal(const struct top *top, const char *trouble)
{
	struct winsize size = { .ws_row = ROWS, .ws_col = COLUMNS };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	if (size.ws_row < 2 || size.ws_col < 1)
		size = (struct winsize){ .ws_row = ROWS, .ws_col = COLUMNS };
	fputs(HOME, stdout);
	if (trouble)
		printf("%s" LINE_END, trouble);
	else
		ctl_print_top(stdout, &top->earlier, &top->now, size.ws_row - 1U, size.ws_col, LINE_END);
	fputs(CLEAR_REST, stdout);
}

static void show_as_json(const struct top *top)
{
	json_t *both = json_pack("{s:O, s:O}", "status", top->now.status, "destinations",
		top->now.destinations);
	struct buf line;

	buf_init(&line, ANSWER_MAX);
	if (json_print(mem_check(both), &line))
		puts(buf_text(&line));
	buf_free(&line);
	json_decref(both);
}

static void show(const struct top *top, const char *trouble)
{
	if (top->terminal) {
		show_on_terminal(top, trouble);
	} else if (top->a->json) {
		show_as_json(top);
	} else {
		ctl_print_top(stdout, &top->earlier, &top->now, 0, COLUMNS_MAX, "\n");
		putchar('\n');
	}
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* False if it is the order to end. */
static bool take_signal(struct top *top)
{
	struct signalfd_siginfo info;

	if (read(top->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo == SIGTSTP) {
		give_terminal_back(top);
		raise(SIGSTOP);
		take_terminal(top);
	}
	return info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH;
}

/* Any other key is for those who cannot wait. */
static bool take_key(struct top *top)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n == 0 || (n < 0 && errno == EIO))
		top->keys = false;       /* the terminal's keys are gone; nothing to give back */
	return n != 1 || key != 'q';
}

/* Until the next look; false at the end. */
static bool wait_a_while(struct top *top)
{
	struct pollfd fds[] = {
		{ .fd = top->signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 },           /* whether anybody reads */
		{ .fd = top->keys ? STDIN_FILENO : -1, .events = POLLIN }
	};

	if (poll(fds, sizeof(fds) / sizeof(*fds), (int)top->a->interval) <= 0)
		return true;
	if (fds[0].revents)
		return take_signal(top);
	return !fds[1].revents && (!fds[2].revents || take_key(top));
}

int ctl_top(const struct ctl_arguments *a, const char *socket, char **why)
{
	struct top top = { .a = a, .socket = socket };
	bool good = look(&top, why), wanted = true;

	if (!good)
		return EX_UNAVAILABLE;
	begin(&top);
	while (wanted && (good || top.terminal)) {
		show(&top, good ? NULL : *why);
		free(*why);
		*why = NULL;
		wanted = fflush(stdout) == 0 && wait_a_while(&top);
		good = wanted && look(&top, why);
	}
	end(&top);
	forget(&top.earlier);
	forget(&top.now);
	return *why ? EX_UNAVAILABLE : 0;
}
