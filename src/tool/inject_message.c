#include "tool/inject_message.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/address/address.h"
#include "tool/inject_drop.h"
#include "tool/inject_header.h"
#include "tool/inject_input.h"
#include "tool/inject_letter.h"
#include "tool/inject_wait.h"

enum { HEADER_MAX = 1024 * 1024, ADDED_MAX = 16 * 1024 };

struct message {
	struct inject_arguments *arguments;
	const struct inject_place *place;
	struct inject_input *input;
	struct buf header;             /* raw, without the empty line behind it */
	struct inject_piece piece;     /* the first one of the body, if more */
	bool more;
	char **why;
};

static int fail(struct message *m, int code, const char *what)
{
	*m->why = mem_str(what);
	return code;
}

static int input_failed(struct message *m)
{
	*m->why = mem_fmt("standard input: cannot be read: %s", strerror(inject_input_error(m->input)));
	return EX_NOINPUT;
}

/* --- the header as it comes ------------------------------------------------------------------- */

static bool is_empty(struct text line)
{
	return text_is(line, "\n") || text_is(line, "\r\n");
}

/* The line in front of a message that comes out of a mailbox file. */
static bool is_mailbox_line(struct text line)
{
	while (line.n && *line.p == '>')
		line = text_make(line.p + 1, line.n - 1);
	return line.n >= 5 && memcmp(line.p, "From ", 5) == 0;
}

static bool is_header_line(const struct message *m, struct text line)
{
	return inject_header_is_field(line) || (m->header.len && (*line.p == ' ' || *line.p == '\t'));
}

static void skip_mailbox_lines(struct message *m)
{
	bool skipping = false;

	while ((m->more = inject_input_next(m->input, &m->piece))) {
		if (m->piece.starts_line)
			skipping = is_mailbox_line(m->piece.t);
		if (!skipping)
			return;
	}
}

/* Takes what may be header, and the empty line behind it. */
static int take_header(struct message *m)
{
	skip_mailbox_lines(m);
	while (m->more && (!m->piece.starts_line || is_header_line(m, m->piece.t))) {
		if (!buf_add(&m->header, m->piece.t.p, m->piece.t.n))
			return fail(m, EX_DATAERR, "standard input: the header is larger than 1 MiB");
		m->more = inject_input_next(m->input, &m->piece);
	}
	if (m->more && is_empty(m->piece.t))
		m->more = inject_input_next(m->input, &m->piece);
	if (inject_input_error(m->input))
		return input_failed(m);
	if (m->header.len && m->header.data[m->header.len - 1] != '\n')
		buf_char(&m->header, '\n');
	return 0;
}

static struct text header_of(const struct message *m)
{
	return text_make(buf_text(&m->header), m->header.len);
}

/* --- the envelope ----------------------------------------------------------------------------- */

static void add_recipient(void *arg, const char *address)
{
	inject_arguments_add(arg, address);
}

static int find_recipients(struct message *m)
{
	if (!m->arguments->from_header)
		return 0;
	if (!inject_header_recipients(header_of(m), add_recipient, m->arguments, m->why))
		return EX_DATAERR;
	if (m->arguments->envelope->count == 0)
		return fail(m, EX_USAGE, "no recipient: the header names none in To, Cc or Bcc");
	return 0;
}

/* The caller's login name as a local part; the daemon appends the domain. */
static char *login_name(void)
{
	const struct passwd *user = getpwuid(getuid());
	struct buf name;

	buf_init(&name, ADDRESS_MAX);
	if (!user || !address_quote(text_of(user->pw_name), &name)) {
		buf_clear(&name);
		buf_fmt(&name, "uid%u", (unsigned)getuid());
	}
	return buf_take(&name);
}

static bool has_utf8(const struct envelope *e)
{
	bool ascii = text_is_ascii(text_of(e->sender));

	for (size_t i = 0; ascii && i < e->count; i++)
		ascii = text_is_ascii(text_of(e->rcpts[i].address));
	return !ascii;
}

static void complete_envelope(struct message *m, const struct inject_header *header)
{
	struct envelope *e = m->arguments->envelope;

	if (!m->arguments->sender_given) {
		free(e->sender);
		e->sender = login_name();
	}
	e->smtputf8 = m->place->finds_utf8 && (header->utf8 || has_utf8(e));
}

/* --- what the header lacks -------------------------------------------------------------------- */

/* The caller's name in the password file: what stands ahead of the first comma. */
static char *own_name(void)
{
	const struct passwd *user = getpwuid(getuid());
	const char *gecos = user && user->pw_gecos ? user->pw_gecos : "";

	return mem_strn(gecos, strcspn(gecos, ","));
}

static void add_from(const struct message *m, const char *prefix, struct buf *out)
{
	const struct inject_arguments *a = m->arguments;
	const char *sender = *a->envelope->sender ? a->envelope->sender : "MAILER-DAEMON";
	char *name = a->full_name || a->sender_given ? mem_str(a->full_name) : own_name();
	char *field = mem_fmt("%sFrom", prefix), *address;
	struct text local, domain;

	address_split(text_of(sender), &local, &domain);
	address = domain.n ? mem_str(sender) : mem_fmt("%s@%s", sender, m->place->origin);
	inject_header_from(field, name, address, out);
	free(address);
	free(field);
	free(name);
}

static void add_date(const char *prefix, struct buf *out)
{
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S %z", &tm);
	buf_fmt(out, "%sDate: %s\r\n", prefix, text);
}

static void add_message_id(const struct message *m, const char *prefix, struct buf *out)
{
	time_t now = time(NULL);
	uint64_t random;
	char text[32];
	struct tm tm;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		abort();
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm);
	buf_fmt(out, "%sMessage-ID: <%s.%016" PRIx64 "@%s>\r\n", prefix, text, random, m->place->origin);
}

static void add_missing(const struct message *m, const struct inject_header *header, struct buf *out)
{
	const char *prefix = header->resent ? "Resent-" : "";

	if (!header->from)
		add_from(m, prefix, out);
	if (!header->date)
		add_date(prefix, out);
	if (!header->message_id)
		add_message_id(m, prefix, out);
}

/* --- out -------------------------------------------------------------------------------------- */

static bool write_header(struct message *m, struct inject_letter *letter, const struct inject_header *header)
{
	bool no_bcc = m->arguments->from_header || m->arguments->as_sendmail;
	struct text rest = header_of(m), field;
	struct buf added;
	bool good;

	buf_init(&added, ADDED_MAX);
	add_missing(m, header, &added);
	good = inject_letter_add(letter, text_make(buf_text(&added), added.len), true, m->why);
	buf_free(&added);
	while (good && inject_header_next(&rest, no_bcc, &field))
		good = inject_letter_add(letter, field, true, m->why);
	return good && inject_letter_add(letter, text_of("\n"), true, m->why);
}

static int write_letter(struct message *m, struct inject_letter *letter, const struct inject_header *header)
{
	if (!write_header(m, letter, header))
		return EX_TEMPFAIL;
	for (; m->more; m->more = inject_input_next(m->input, &m->piece))
		if (!inject_letter_add(letter, m->piece.t, m->piece.starts_line, m->why))
			return EX_TEMPFAIL;
	if (inject_input_error(m->input))
		return input_failed(m);
	return inject_letter_end(letter, m->why) ? 0 : EX_TEMPFAIL;
}

/* The daemon knows of the file before it can find it. */
static int commit_and_wait(struct message *m, struct inject_drop *drop)
{
	struct inject_wait *wait = inject_wait_new(m->place->spool, drop, m->why);
	int code = EX_TEMPFAIL;

	if (wait && inject_drop_commit(drop, m->why))
		code = inject_wait_outcome(wait, drop, m->arguments->envelope, m->arguments->wait_ms, m->why);
	inject_wait_free(wait);
	return code;
}

static int write_drop(struct message *m, const struct inject_header *header)
{
	struct inject_drop *drop = inject_drop_new(m->place->spool, m->why);
	struct inject_letter *letter;
	int code;

	if (!drop)
		return EX_TEMPFAIL;
	letter = inject_letter_new(drop, m->arguments->envelope);
	code = write_letter(m, letter, header);
	if (code == 0 && m->arguments->wait_ms)
		code = commit_and_wait(m, drop);
	else if (code == 0 && !inject_drop_commit(drop, m->why))
		code = EX_TEMPFAIL;
	inject_letter_free(letter);
	inject_drop_free(drop);
	return code;
}

int inject_message(struct inject_arguments *arguments, const struct inject_place *place, int fd, char **why)
{
	struct message m = { .arguments = arguments, .place = place, .why = why };
	struct inject_header header;
	int code;

	m.input = inject_input_new(fd, arguments->dot_is_text);
	buf_init(&m.header, HEADER_MAX);
	code = take_header(&m);
	if (code == 0)
		code = find_recipients(&m);
	if (code == 0) {
		header = inject_header_scan(header_of(&m));
		complete_envelope(&m, &header);
		code = write_drop(&m, &header);
	}
	buf_free(&m.header);
	inject_input_free(m.input);
	return code;
}
