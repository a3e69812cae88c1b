#include "format/smtp/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/address/address.h"
#include "format/address/xtext.h"

/* A parameter's value on its way into the envelope: rcpt is NULL in a MAIL command; the answer is a
 * complaint or NULL. */
struct target {
	struct envelope *envelope;
	struct envelope_rcpt *rcpt;
};
typedef const char *param_setter(struct target, struct text value);

struct param {
	const char *name;
	bool has_value;
	param_setter *set;
};

struct envelope *envelope_new(void)
{
	struct envelope *e = mem_alloc(sizeof *e);

	e->sender = mem_str("");
	return e;
}

static void rcpt_release(struct envelope_rcpt *r)
{
	free(r->address);
	free(r->orcpt);
	free(r->original);
}

void envelope_free(struct envelope *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->count; i++)
		rcpt_release(&e->rcpts[i]);
	free(e->rcpts);
	free(e->sender);
	free(e->envid);
	free(e->auth);
	free(e);
}

/* Index of the value in words, or -1. */
static int pick(struct text value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (text_is_nocase(value, words[i]))
			return i;
	return -1;
}

static const char *set_size(struct target t, struct text value)
{
	bool ok = text_number(&value, UINT64_MAX, &t.envelope->size) && value.n == 0;

	return ok ? NULL : "is not a number of bytes";
}

static const char *set_body(struct target t, struct text value)
{
	static const char *const words[] = { "7BIT", "8BITMIME", "BINARYMIME", NULL };
	int i = pick(value, words);

	t.envelope->body = (enum envelope_body)(i + 1);
	return i < 0 ? "is not 7BIT, 8BITMIME or BINARYMIME" : NULL;
}

static const char *set_ret(struct target t, struct text value)
{
	static const char *const words[] = { "FULL", "HDRS", NULL };
	int i = pick(value, words);

	t.envelope->ret = (enum envelope_ret)(i + 1);
	return i < 0 ? "is not FULL or HDRS" : NULL;
}

static const char *set_smtputf8(struct target t, struct text value)
{
	(void)value;
	t.envelope->smtputf8 = true;
	return NULL;
}

static const char *set_requiretls(struct target t, struct text value)
{
	(void)value;
	t.envelope->requiretls = true;
	return NULL;
}

static const char *set_envid(struct target t, struct text value)
{
	if (value.n == 0 || !xtext_check(value, false))
		return "is not printable xtext";
	t.envelope->envid = mem_strn(value.p, value.n);
	return NULL;
}

static const char *set_auth(struct target t, struct text value)
{
	if (!text_is(value, "<>") && (value.n == 0 || !xtext_check(value, true)))
		return "is not printable xtext or <>";
	t.envelope->auth = mem_strn(value.p, value.n);
	return NULL;
}

static const char *set_notify(struct target t, struct text value)
{
	static const char *const words[] = { "NEVER", "SUCCESS", "FAILURE", "DELAY", NULL };
	struct text word;
	unsigned notify = 0;
	bool more;

	do {
		more = text_until(&value, ',', &word);
		int i = pick(more ? word : value, words);

		if (i < 0)
			return "is not NEVER or a list of SUCCESS, FAILURE, DELAY";
		notify |= 1u << i;
	} while (more);
	if ((notify & NOTIFY_NEVER) && notify != NOTIFY_NEVER)
		return "has NEVER beside others";
	t.rcpt->notify = notify;
	return NULL;
}

/* "type;xtext" (RFC 3461 section 4.2, RFC 6533 section 3). */
static const char *set_orcpt(struct target t, struct text value)
{
	struct text rest = value, type;

	if (!text_until(&rest, ';', &type) || type.n == 0 || rest.n == 0 || !xtext_check(type, false))
		return "is not type;address";
	if (!xtext_check(rest, text_is_nocase(type, "utf-8")))
		return "is not printable xtext";
	t.rcpt->orcpt = mem_strn(value.p, value.n);
	return NULL;
}

static const struct param mail_params[] = {
	{ "SIZE", true, set_size },
	{ "BODY", true, set_body },
	{ "SMTPUTF8", false, set_smtputf8 },
	{ "REQUIRETLS", false, set_requiretls },
	{ "RET", true, set_ret },
	{ "ENVID", true, set_envid },
	{ "AUTH", true, set_auth },
	{ NULL, false, NULL }
};

static const struct param rcpt_params[] = {
	{ "NOTIFY", true, set_notify },
	{ "ORCPT", true, set_orcpt },
	{ NULL, false, NULL }
};

/* The complaint "NAME words" where the envelope keeps it; the name is from outside. */
static bool refuse(struct envelope *e, struct text name, const char *words, const char **why)
{
	struct buf b;

	buf_init(&b, sizeof e->complaint - 1);
	text_clean(name, 40, &b);
	buf_fmt(&b, " %s", words);
	snprintf(e->complaint, sizeof e->complaint, "%s", buf_text(&b));
	buf_free(&b);
	*why = e->complaint;
	return false;
}

static bool take_param(struct target t, const struct param *table, struct text word, unsigned *seen,
	const char **why)
{
	struct text name = word, value = word;
	bool has_value = text_until(&value, '=', &name);
	unsigned i = 0;
	const char *complaint;

	while (table[i].name && !text_is_nocase(name, table[i].name))
		i++;
	if (!table[i].name)
		return refuse(t.envelope, name.n ? name : word, "is not a parameter known here", why);
	if (*seen & 1u << i)
		return refuse(t.envelope, name, "is given twice", why);
	*seen |= 1u << i;
	if (has_value != table[i].has_value)
		return refuse(t.envelope, name, has_value ? "takes no value" : "needs a value", why);
	complaint = table[i].set(t, value);
	return !complaint || refuse(t.envelope, name, complaint, why);
}

/* Takes " KEYWORD:<path>" off the front. */
static bool take_path(struct text *args, const char *keyword, struct text *address, const char **why)
{
	struct text word;

	if (text_has_control(*args)) {
		*why = "there is a control character in the line";
		return false;
	}
	*args = text_trim(*args);
	if (!text_until(args, ':', &word) || !text_is_nocase(word, keyword)) {
		*why = "there is no such word with a colon and an address";
		return false;
	}
	*args = text_trim(*args);
	return address_path(args, address, why);
}

static bool take_params(struct target t, const struct param *table, struct text args, const char **why)
{
	struct text word;
	unsigned seen = 0;

	if (args.n && *args.p != ' ') {
		*why = "there is something right behind the address";
		return false;
	}
	while (text_word(&args, &word))
		if (!take_param(t, table, word, &seen, why))
			return false;
	return true;
}

bool envelope_mail(struct envelope *e, struct text args, const char **why)
{
	struct text address;

	if (!take_path(&args, "FROM", &address, why))
		return false;
	free(e->sender);
	e->sender = mem_strn(address.p, address.n);
	return take_params((struct target){ e, NULL }, mail_params, args, why);
}

/* A fresh last recipient; the array doubles whenever the count is a power of two. */
static struct envelope_rcpt *add(struct envelope *e)
{
	if ((e->count & (e->count - 1)) == 0)
		e->rcpts = mem_grow(e->rcpts, e->count ? e->count * 2 : 1, sizeof *e->rcpts);
	e->rcpts[e->count] = (struct envelope_rcpt){ 0 };
	return &e->rcpts[e->count++];
}

bool envelope_rcpt(struct envelope *e, struct text args, size_t max, const char **why)
{
	struct text address;
	struct envelope_rcpt *r;

	if (!take_path(&args, "TO", &address, why))
		return false;
	if (address.n == 0) {
		*why = "the recipient is empty";
		return false;
	}
	if (e->count >= max) {
		*why = "there are too many recipients";
		return false;
	}
	r = add(e);
	r->address = mem_strn(address.p, address.n);
	return take_params((struct target){ e, r }, rcpt_params, args, why);
}

struct envelope_rcpt *envelope_add(struct envelope *e, const char *address, const char *orcpt,
	unsigned notify)
{
	struct envelope_rcpt *r = add(e);

	r->address = mem_str(address);
	r->orcpt = mem_str(orcpt);
	r->notify = notify;
	return r;
}

static void print_optional(struct buf *out, const char *name, const char *value)
{
	if (value)
		buf_fmt(out, " %s=%s", name, value);
}

static void print_mail(const struct envelope *e, struct buf *out)
{
	static const char *const bodies[] = { NULL, "7BIT", "8BITMIME", "BINARYMIME" };
	static const char *const rets[] = { NULL, "FULL", "HDRS" };

	buf_fmt(out, "MAIL FROM:<%s>", e->sender);
	if (e->size)
		buf_fmt(out, " SIZE=%llu", (unsigned long long)e->size);
	print_optional(out, "BODY", bodies[e->body]);
	if (e->smtputf8)
		buf_str(out, " SMTPUTF8");
	if (e->requiretls)
		buf_str(out, " REQUIRETLS");
	print_optional(out, "RET", rets[e->ret]);
	print_optional(out, "ENVID", e->envid);
	print_optional(out, "AUTH", e->auth);
	buf_str(out, "\r\n");
}

bool envelope_print(const struct envelope *e, struct buf *out)
{
	print_mail(e, out);
	for (size_t i = 0; i < e->count; i++) {
		const struct envelope_rcpt *r = &e->rcpts[i];

		buf_fmt(out, "RCPT TO:<%s>", r->address);
		print_optional(out, "NOTIFY", r->notify ? envelope_notify_text(r->notify) : NULL);
		print_optional(out, "ORCPT", r->orcpt);
		buf_str(out, "\r\n");
	}
	return buf_str(out, "DATA\r\n");
}

const char *envelope_notify_text(unsigned notify)
{
	static const char *const texts[] = {
		"", "NEVER", "SUCCESS", "NEVER", "FAILURE", "NEVER", "SUCCESS,FAILURE", "NEVER",
		"DELAY", "NEVER", "SUCCESS,DELAY", "NEVER", "FAILURE,DELAY", "NEVER",
		"SUCCESS,FAILURE,DELAY", "NEVER"
	};

	return texts[notify & 15];
}
