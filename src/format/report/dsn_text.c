#include "format/report/dsn_text.h"

#include <string.h>

#include "format/content/content.h"
#include "format/header/own_mail.h"

struct explanation {
	const char *code;      /* a whole code, or with a dot at its end the beginning of many */
	const char *meaning;
	const char *advice;
};

/* The first row that matches counts. */
static const struct explanation explanations[] = {
	{ "5.1.10", "The domain has declared that it receives no mail.",
	  "Check the part behind the @ for typing mistakes, or reach the recipient another way." },
	{ "5.1.1", "There is no mailbox with this address.",
	  "Check the address for typing mistakes and send the message again to the right one." },
	{ "5.1.2", "The domain of the address does not exist or receives no mail.",
	  "Check the part behind the @ for typing mistakes and send the message again." },
	{ "5.1.3", "The address is not written as a mail address has to be.",
	  "Correct the address and send the message again." },
	{ "5.1.6", "The mailbox has moved and its old address is no longer valid.",
	  "Ask the recipient for the new address." },
	{ "5.1.7", "The receiving system does not accept your sender address.",
	  "Check your own address in your mail program, or show this report to your postmaster." },
	{ "5.1.8", "The receiving system does not accept your sender address.",
	  "Check your own address in your mail program, or show this report to your postmaster." },
	{ "5.1.", "The receiving system does not accept the address.",
	  "Check the address and send the message again." },
	{ "5.2.1", "The mailbox exists but takes no mail.",
	  "Reach the recipient another way; the address may be closed for good." },
	{ "5.2.2", "The mailbox is full.",
	  "Tell the recipient another way, and send the message again once there is room." },
	{ "5.2.3", "The message is larger than this mailbox takes.",
	  "Send a smaller message, or share the large part another way." },
	{ "5.3.4", "The message is larger than the receiving system takes.",
	  "Send a smaller message, or share the large part another way." },
	{ "5.4.6", "The message went round in circles between mail systems.",
	  "Show this report to your postmaster: forwarding or routing is set up wrong." },
	{ "5.4.", "The message cannot be routed to its destination.",
	  "Check the part behind the @; if it is right, show this report to your postmaster." },
	{ "5.5.3", "The message has more recipients than the receiving system takes at once.",
	  "Send it to fewer recipients at a time." },
	{ "5.5.", "The two mail systems did not understand each other.",
	  "Show this report to your postmaster: this is not for you to repair." },
	{ "5.6.", "The receiving system cannot take the message in this form.",
	  "Send it in a simpler form, for example as plain text or without the attachment." },
	{ "5.7.10", "You asked for a protected way (REQUIRETLS), and the way to this recipient is not protected "
		"as that asks for.",
	  "If the message need not be secret, send it again without asking for that; else reach the recipient "
	  "another way." },
	{ "5.7.30", "You asked for a protected way (REQUIRETLS), and the receiving system does not offer one.",
	  "If the message need not be secret, send it again without asking for that; else reach the recipient "
	  "another way." },
	{ "5.7.", "The receiving system refuses the message as a matter of its policy.",
	  "Read its words above; if they do not help, ask the recipient or your postmaster." },
	{ "5.", "The receiving system refuses the message for good.",
	  "Read its words above; if they do not help, show this report to your postmaster." },
	{ "4.2.2", "The mailbox has been full all the time.",
	  "Tell the recipient another way, and send the message again once there is room." },
	{ "4.4.1", "The receiving system did not answer.",
	  "It may be out of order. Check the part behind the @ and send the message again later." },
	{ "4.4.", "The receiving system could not be reached.",
	  "It may be out of order. Check the part behind the @ and send the message again later." },
	{ "4.7.", "The receiving system did not want the message for now, or could not be reached safely.",
	  "Send the message again later, or show this report to your postmaster." },
	{ "4.", "The receiving system had a temporary problem.",
	  "Send the message again later." },
	{ "", "", "" }
};

/* A whole code matches itself only; one that ends in a dot matches all that begin like it. */
static bool matches(const char *code, const char *status)
{
	size_t n = strlen(code);

	return strncmp(code, status, n) == 0 && (n == 0 || code[n - 1] == '.' || status[n] == '\0');
}

void dsn_text_explain(const char *status, const char **meaning, const char **advice)
{
	const struct explanation *e = explanations;

	while (!matches(e->code, status))
		e++;
	*meaning = e->meaning;
	*advice = e->advice;
}

static enum dsn_action action_of(const struct dsn_report *r)
{
	return r->count ? r->rcpts[0].action : DSN_FAILED;
}

const char *dsn_text_subject(const struct dsn_report *r)
{
	static const char *const subjects[] = {
		[DSN_FAILED] = "Your message could not be delivered",
		[DSN_DELAYED] = "Your message is delayed",
		[DSN_DELIVERED] = "Your message was delivered",
		[DSN_RELAYED] = "Your message was passed on",
		[DSN_EXPANDED] = "Your message was passed on to a list"
	};

	if (r->copy_of)
		return action_of(r) == DSN_DELAYED ? "Copy for the postmaster: mail is delayed" :
			"Copy for the postmaster: mail could not be delivered";
	return r->notice ? "A report could not be delivered" : subjects[action_of(r)];
}

static void paragraph(struct buf *out, const char *words)
{
	content_add_folded("", "", text_of(words), out);
	buf_str(out, "\r\n");
}

static const char *opening(enum dsn_action action)
{
	static const char *const openings[] = {
		[DSN_FAILED] = ("could not be delivered to the recipients below. No further attempt will be "
			"made for them; the reason and what you can do are given for each. Your message, or its "
			"header, is attached."),
		[DSN_DELAYED] = ("has not yet been delivered to the recipients below. This is only a "
			"warning: you need not send it again."),
		[DSN_DELIVERED] = "was taken for the recipients below, of which you asked to be told.",
		[DSN_RELAYED] = "was taken for the recipients below, of which you asked to be told.",
		[DSN_EXPANDED] = "was passed on to the members of the lists below."
	};

	return openings[action];
}

static const char notice_opening[] = "could not be delivered to the recipients below, and there is nobody "
	"else who could be told. It is given up; this copy goes to you as the postmaster.";

/* The beginning of the sentence that says what has become of it. */
static void print_what(const struct dsn_report *r, struct buf *out)
{
	if (r->copy_of)
		buf_fmt(out, "This is what the sender <%s> is told, with a copy for you as the postmaster "
			"(notify_classes). The message that he sent ", r->copy_of);
	else
		buf_str(out, r->notice ? "A message that has no sender, mostly a report, "
			: "The message that you sent ");
}

static void print_opening(const struct dsn_report *r, enum dsn_action action, struct buf *out)
{
	struct buf words, clean;

	buf_init(&words, 4096);
	buf_init(&clean, 512);
	text_clean(text_of(r->myhostname), 300, &clean);
	buf_fmt(&words, "This is the mail system at %s.", buf_text(&clean));
	paragraph(out, buf_text(&words));
	buf_clear(&words);
	print_what(r, &words);
	if (r->arrived) {
		buf_str(&words, "(received here on ");
		own_mail_date(r->arrived, &words);
		buf_str(&words, ") ");
	}
	buf_str(&words, r->notice ? notice_opening : opening(action));
	paragraph(out, buf_text(&words));
	buf_free(&words);
	buf_free(&clean);
}

static void print_item(const char *label, const char *words, struct buf *out)
{
	struct buf first;

	if (!words || !*words)
		return;
	buf_init(&first, 64);
	buf_fmt(&first, "    %s ", label);
	content_add_folded(buf_text(&first), "        ", text_of(words), out);
	buf_free(&first);
}

/* What has become of the message there; the advice is for who has to do something. */
static void explain(const struct dsn_rcpt *r, const char **meaning, const char **advice)
{
	static const char *const meanings[] = {
		[DSN_DELIVERED] = "The message is in the mailbox system of the recipient.",
		[DSN_RELAYED] = ("The message was passed on to a system that makes no such reports: you will hear of "
			"it again only if it cannot be delivered there."),
		[DSN_EXPANDED] = "The address is that of a list; the message goes to its members.",
	};

	dsn_text_explain(r->status, meaning, advice);
	if (r->action != DSN_FAILED)
		*advice = NULL;
	if (r->action != DSN_FAILED && r->action != DSN_DELAYED)
		*meaning = meanings[r->action];
}

static void print_rcpt(const struct dsn_rcpt *r, bool notice, struct buf *out)
{
	const char *meaning, *advice;
	struct buf words;

	buf_init(&words, 4096);
	buf_fmt(&words, "<%s>", r->address);
	content_add_folded("", "    ", text_make(buf_text(&words), words.len), out);
	buf_free(&words);
	print_item("What happened:", r->reason, out);
	if (r->diagnostic && !(r->reason && strstr(r->reason, r->diagnostic)))
		print_item("Its words:", r->diagnostic, out);
	explain(r, &meaning, &advice);
	print_item("What it means:", meaning, out);
	print_item("What you can do:", notice ? NULL : advice, out);
	buf_str(out, "\r\n");
}

static void print_outlook(const struct dsn_report *r, struct buf *out)
{
	struct buf words;

	buf_init(&words, 256);
	buf_str(&words, "Delivery will be tried again until ");
	own_mail_date(r->now + r->lifetime, &words);
	buf_str(&words, "; if it fails until then, you will get another report.");
	paragraph(out, buf_text(&words));
	buf_free(&words);
}

void dsn_text_print(const struct dsn_report *r, struct buf *out)
{
	enum dsn_action action = action_of(r);
	struct buf words;

	print_opening(r, action, out);
	for (size_t i = 0; i < r->count; i++)
		print_rcpt(&r->rcpts[i], r->notice || r->copy_of, out);
	if (action == DSN_DELAYED && r->lifetime > 0)
		print_outlook(r, out);
	buf_init(&words, 256);
	buf_str(&words, "For the postmaster: the log of this system has more about it under the queue id ");
	buf_fmt(&words, "%s.", r->queue_id);
	content_add_folded("", "", text_of(buf_text(&words)), out);
	buf_free(&words);
}
