/* XFORWARD: where the message came from, for servers that ask for it, ahead of each MAIL. */
#include "talk/dialogue_steps.h"

#define FIRST (EHLO_XF_NAME | EHLO_XF_ADDR | EHLO_XF_PORT)
#define SECOND (EHLO_XF_PROTO | EHLO_XF_HELO | EHLO_XF_IDENT | EHLO_XF_SOURCE)

static void say_attributes(const struct dialogue *d, unsigned attributes, struct buf *out)
{
	if (d->now.t.client && d->manner->send_xforward_command)
		xforward_print(d->now.t.client, d->offers.xforward & attributes, out);
}

enum step dialogue_say_xforward_name(struct dialogue *d, struct buf *out)
{
	say_attributes(d, FIRST, out);
	return STEP_XFORWARD_HELO;
}

enum step dialogue_say_xforward_helo(struct dialogue *d, struct buf *out)
{
	say_attributes(d, SECOND, out);
	return STEP_MAIL;
}

/* A server that does not take it takes the message all the same. */
static void hear(struct dialogue *d, enum stage stage, const struct reply *r)
{
	enum reply_meaning meaning = reply_meaning(stage, r, false);
	struct buf words;

	if (meaning == MEANS_PROTOCOL)
		dialogue_violate(d, stage, "sent a reply that is out of place", r);
	if (meaning == MEANS_PROTOCOL || meaning == MEANS_YES)
		return;
	buf_init(&words, REPLY_TEXT_MAX);
	reply_one_line(r, &words);
	dialogue_remark_on(d, "warning: host %s said: %s (in reply to %s)", d->host, buf_text(&words),
		stage_command(stage, d->lmtp));
	buf_free(&words);
}

void dialogue_hear_xforward_name(struct dialogue *d, const struct reply *r)
{
	hear(d, STAGE_XFORWARD_NAME, r);
}

void dialogue_hear_xforward_helo(struct dialogue *d, const struct reply *r)
{
	hear(d, STAGE_XFORWARD_HELO, r);
}
