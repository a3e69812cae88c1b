#include "tool/inject_arguments.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address/address.h"
#include "format/address/xtext.h"
#include "tool/address_list.h"

enum { SHOWN_MAX = 200, ENVID_MAX = 100, DEFAULT_WAIT = 600000 };

#define OWN_OPTIONS "+:B:F:N:R:V:c:f:io:t"

/* Those of sendmail that follow mean nothing here, but for -b, -I and -r. */
#define SENDMAIL_OPTIONS OWN_OPTIONS "A:C:D:GIL:O:UX:ab:d::e:h:mnp:q::r:vx"

enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_WAIT };

static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "wait", optional_argument, NULL, OPTION_WAIT },
	{ NULL, 0, NULL, 0 }
};

/* "WHAT 'text': complaint". */
static bool refuse(char **why, const char *what, const char *text, const char *complaint)
{
	char *clean = text_cleaned(text, SHOWN_MAX);

	*why = mem_fmt("%s '%s': %s", what, clean, complaint);
	free(clean);
	return false;
}

/* --- addresses -------------------------------------------------------------------------------- */

void inject_arguments_add(struct inject_arguments *a, const char *address)
{
	if (map_get(a->known, address, strlen(address)))
		return;
	map_put(a->known, address, strlen(address), a);
	envelope_add(a->envelope, address, NULL, a->notify);
}

static void add_found(void *arg, const char *address)
{
	inject_arguments_add(arg, address);
}

static void add_to_envelope(void *arg, const char *address)
{
	envelope_add(arg, address, NULL, 0);
}

/* One address in wire form, with or without its angle brackets. */
static bool take_address(const char *text, void (*found)(void *, const char *), void *arg, const char **why)
{
	struct text rest = text_of(text), address = rest;
	char *copy;

	if (*text == '<') {
		if (!address_path(&rest, &address, why))
			return false;
		*why = address.n ? "there is something behind the address" : "the address is empty";
		if (address.n == 0 || rest.n)
			return false;
	} else if (!address_check(address, why)) {
		return false;
	}
	copy = mem_strn(address.p, address.n);
	found(arg, copy);
	free(copy);
	return true;
}

static bool take_addresses(const struct inject_arguments *a, const char *what, const char *text,
	void (*found)(void *, const char *), void *arg, char **why)
{
	struct address_list_fault fault = { .why = NULL };
	bool good;

	if (a->as_sendmail)
		good = address_list(text_of(text), found, arg, &fault);
	else
		good = take_address(text, found, arg, &fault.why);
	return good || refuse(why, what, text, fault.why);
}

static bool set_sender(struct inject_arguments *a, const char *text, char **why)
{
	struct envelope *found = envelope_new();
	bool null = strcmp(text, "") == 0 || strcmp(text, "<>") == 0;
	bool good = null || take_addresses(a, "sender", text, add_to_envelope, found, why);

	if (good && !null && found->count != 1)
		good = refuse(why, "sender", text, "is not one address");
	if (good) {
		free(a->envelope->sender);
		a->envelope->sender = mem_str(null ? "" : found->rcpts[0].address);
		a->sender_given = true;
	}
	envelope_free(found);
	return good;
}

static bool add_recipients(struct inject_arguments *a, char **argv, char **why)
{
	for (; *argv; argv++)
		if (!take_addresses(a, "recipient", *argv, add_found, a, why))
			return false;
	return true;
}

/* --- options ---------------------------------------------------------------------------------- */

/* Lets the envelope judge a parameter of MAIL. */
static bool set_mail_parameter(struct inject_arguments *a, const char *option, const char *name,
	const char *value, char **why)
{
	char *command = mem_fmt(" FROM:<> %s=%s", name, value);
	const char *complaint = "is more than one word";
	bool good = !strchr(value, ' ') && envelope_mail(a->envelope, text_of(command), &complaint);

	free(command);
	return good || refuse(why, option, value, complaint);
}

static bool set_body(struct inject_arguments *a, const char *value, char **why)
{
	if (!set_mail_parameter(a, "-B", "BODY", value, why))
		return false;
	return a->envelope->body != BODY_BINARYMIME || refuse(why, "-B", value, "is not 7BIT or 8BITMIME");
}

static bool set_envid(struct inject_arguments *a, const char *value, char **why)
{
	struct buf xtext;
	bool good;

	free(a->envelope->envid);
	a->envelope->envid = NULL;
	buf_init(&xtext, ENVID_MAX);
	if (!xtext_encode(text_of(value), &xtext))
		good = refuse(why, "-V", value, "is longer than 100 characters");
	else
		good = set_mail_parameter(a, "-V", "ENVID", buf_text(&xtext), why);
	buf_free(&xtext);
	return good;
}

static bool set_notify(struct inject_arguments *a, const char *value, char **why)
{
	struct envelope *judge = envelope_new();
	char *command = mem_fmt(" TO:<x> NOTIFY=%s", value);
	const char *complaint = "holds a blank";
	bool good = !strchr(value, ' ') && envelope_rcpt(judge, text_of(command), 1, &complaint);

	if (good)
		a->notify = judge->rcpts[0].notify;
	else
		refuse(why, "-N", value, complaint);
	free(command);
	envelope_free(judge);
	return good;
}

/* -o of sendmail sets one of many options; -oi is the one that means something. */
static bool set_option(struct inject_arguments *a, const char *value, char **why)
{
	bool is_i = strcmp(value, "i") == 0;

	a->dot_is_text = a->dot_is_text || is_i;
	return is_i || a->as_sendmail || refuse(why, "-o", value, "unknown option; there is only -oi");
}

static bool set_wait(struct inject_arguments *a, const char *value, char **why)
{
	if (!value)
		a->wait_ms = DEFAULT_WAIT;
	else if (!text_duration(text_of(value), &a->wait_ms) || a->wait_ms <= 0)
		return refuse(why, "--wait", value, "is not a time above 0, in seconds or with a unit");
	return true;
}

static bool set_mode(const char *mode, char **why)
{
	if (strcmp(mode, "m") == 0)
		return true;
	if (strcmp(mode, "p") == 0)
		return refuse(why, "-b", mode, "the queue is not listed here; use causewayctl queue");
	return refuse(why, "-b", mode, "only -bm is done here: take a message from standard input");
}

static bool refuse_option(int option, const char *word, char **why)
{
	if (option == ':')
		return refuse(why, "option", word, "needs a value");
	return refuse(why, "option", word, "unknown, or takes no value; --help lists what there is");
}

static bool take_option(struct inject_arguments *a, int option, const char **sender, char **why)
{
	switch (option) {
	case 'B':
		return set_body(a, optarg, why);
	case 'N':
		return set_notify(a, optarg, why);
	case 'R':
		return set_mail_parameter(a, "-R", "RET", optarg, why);
	case 'V':
		return set_envid(a, optarg, why);
	case 'o':
		return set_option(a, optarg, why);
	case 'b':
		return set_mode(optarg, why);
	case 'I':
		return set_mode("i", why);
	case 'F':
		a->full_name = optarg;
		return true;
	case 'c':
		a->config_file = optarg;
		return true;
	case 'f':
	case 'r':
		*sender = optarg;
		return true;
	case 'i':
		a->dot_is_text = true;
		return true;
	case 't':
		a->from_header = true;
		return true;
	case OPTION_HELP:
	case OPTION_VERSION:
		a->action = option == OPTION_HELP ? INJECT_HELP : INJECT_VERSION;
		return true;
	case OPTION_WAIT:
		return set_wait(a, optarg, why);
	}
	return true;
}

/* The argument that getopt stumbled over. */
static const char *culprit(char **argv, char shown[3])
{
	if (optopt == 0 || optopt >= OPTION_HELP)
		return argv[optind - 1];
	shown[0] = '-';
	shown[1] = (char)optopt;
	shown[2] = '\0';
	return shown;
}

static bool take_options(struct inject_arguments *a, int argc, char **argv, const char **sender, char **why)
{
	const char *known = a->as_sendmail ? SENDMAIL_OPTIONS : OWN_OPTIONS;
	char shown[3];
	int option;

	optind = 0;
	opterr = 0;
	while (a->action == INJECT_MESSAGE &&
		(option = getopt_long(argc, argv, known, long_options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return refuse_option(option, culprit(argv, shown), why);
		if (!take_option(a, option, sender, why))
			return false;
	}
	return true;
}

bool inject_arguments_read(struct inject_arguments *a, int argc, char **argv, char **why)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *sender = NULL;

	*a = (struct inject_arguments){ .envelope = envelope_new(), .known = map_new() };
	a->as_sendmail = argc > 0 && strcmp(slash ? slash + 1 : argv[0], "sendmail") == 0;
	if (!take_options(a, argc, argv, &sender, why))
		return false;
	if (a->action != INJECT_MESSAGE)
		return true;
	if (sender && !set_sender(a, sender, why))
		return false;
	if (!add_recipients(a, argv + optind, why))
		return false;
	if (a->envelope->count == 0 && !a->from_header)
		*why = mem_str("no recipient: name at least one, or use -t to take them from the header");
	return a->envelope->count > 0 || a->from_header;
}

void inject_arguments_release(struct inject_arguments *a)
{
	envelope_free(a->envelope);
	map_free(a->known);
}
