/* causeway-inject(1): hands one message from standard input to the spool; also under the name sendmail. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "tool/inject_arguments.h"
#include "tool/inject_message.h"
#include "tool/tool_settings.h"

static const char help[] =
	"usage: causeway-inject [-it] [-B body] [-c file] [-F name] [-f sender] [-N when]\n"
	"                       [-R what] [-V id] [--wait[=seconds]] [--]\n"
	"                       [recipient ...]\n"
	"\n"
	"Hands the message on standard input to Causeway's spool; a daemon need not run.\n"
	"\n"
	"  -f sender   envelope sender; '' or '<>' is the null sender; default: the caller\n"
	"  -t          take recipients from To, Cc and Bcc too, and remove Bcc\n"
	"  -i, -oi     a line of one dot does not end the message\n"
	"  -F name     full name for a From field that is missing\n"
	"  -N when     notify: never, or a list of success, failure, delay\n"
	"  -R what     a report returns: full, hdrs\n"
	"  -V id       envelope id for reports\n"
	"  -B body     7BIT or 8BITMIME\n"
	"  --wait      for the outcome: a line a recipient, exit 0, 69 (refused) or 75 (yours again)\n"
	"  -c file     configuration file (default " SYSCONFDIR "/causeway/causeway.conf)\n"
	"  --help, --version\n";

/* CAUSEWAY_SPOOL names the spool unless a file was named, and where that one must not be read. */
static struct settings *find_settings(const char *file, char **why)
{
	const char *spool = getenv("CAUSEWAY_SPOOL");
	struct settings *settings;

	if (spool && !*spool)
		spool = NULL;
	if (file && !(spool && access(file, R_OK) != 0 && errno == EACCES))
		return tool_settings(file, why);
	settings = tool_settings(NULL, why);
	if (settings && spool) {
		free(settings->spool_directory);
		settings->spool_directory = mem_str(spool);
	}
	return settings;
}

static bool finds_utf8(const struct settings *s)
{
	const char *classes = s->smtputf8_autodetect_classes;

	return s->smtputf8_enable && (text_list_has(classes, "sendmail") || text_list_has(classes, "all"));
}

static int hand_over(struct inject_arguments *a, char **why)
{
	struct settings *settings = find_settings(a->config_file, why);
	struct inject_place place;
	int code;

	if (!settings)
		return EX_CONFIG;
	place = (struct inject_place){ .spool = settings->spool_directory, .origin = settings->myorigin,
		.finds_utf8 = finds_utf8(settings) };
	code = inject_message(a, &place, STDIN_FILENO, why);
	settings_free(settings);
	return code;
}

static int run(struct inject_arguments *a, int argc, char **argv, char **why)
{
	if (!inject_arguments_read(a, argc, argv, why))
		return EX_USAGE;
	if (a->action != INJECT_MESSAGE) {
		fputs(a->action == INJECT_HELP ? help : "causeway-inject " PACKAGE_VERSION "\n", stdout);
		return fflush(stdout) == 0 ? 0 : EX_IOERR;
	}
	if (fcntl(STDIN_FILENO, F_GETFD) < 0) {
		*why = mem_fmt("standard input: %s", strerror(errno));
		return EX_NOINPUT;
	}
	return hand_over(a, why);
}

int main(int argc, char **argv)
{
	struct inject_arguments arguments;
	char *why = NULL;
	int code = run(&arguments, argc, argv, &why);

	if (why)
		fprintf(stderr, "%s: %s\n", arguments.as_sendmail ? "sendmail" : "causeway-inject", why);
	free(why);
	inject_arguments_release(&arguments);
	return code;
}
