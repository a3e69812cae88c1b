/* The engine: which commands may go out now, and to whom a reply belongs. */
#include "talk/dialogue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "talk/dialogue_steps.h"

enum {
	HOST_MAX = 512,             /* of the peer's name in texts */
	BURST_MAX = 4096,           /* bytes of commands on their way before their replies are awaited */
	TRANSCRIPT_MAX = 16384,
	REMARKS_MAX = 65536,
	KEPT_ROOM = 64,             /* recipients whose arrays an idle session keeps */
	FURTHER_FINAL = 10000,      /* ms more for each final reply after the first */
	ONLY_FINAL = 5000,          /* ms of silence that show that there will be one final reply only */
	UNASKED_END = 5000          /* ms for the rest of a reply that nobody awaited */
};

struct dialogue *dialogue_new(const struct dialogue_setup *setup)
{
	struct dialogue *d = mem_alloc(sizeof(*d));

	d->manner = setup->manner;
	d->lmtp = setup->manner->protocol == PROTOCOL_LMTP;
	d->soft_bounce = setup->soft_bounce;
	d->keeps_8bit = setup->keeps_8bit;
	d->no_smtputf8 = setup->no_smtputf8;
	d->hints = setup->hints;
	d->discard = setup->discard;
	d->pix = setup->pix;
	d->own_name = setup->own_name;
	d->debug = setup->debug;
	d->tls = setup->tls;
	d->requiretls = setup->requiretls;
	d->tls_ready = setup->tls_ready;
	d->tls_first = setup->tls_first;
	d->host = text_cleaned(setup->host, HOST_MAX);
	d->relay = text_cleaned(setup->relay ? setup->relay : setup->host, HOST_MAX);
	d->myhostname = mem_str(setup->myhostname);
	d->reader = reply_reader_new();
	reply_reader_limit(d->reader, setup->reply_line);
	reply_reader_filter(d->reader, &setup->filter);
	if (d->no_smtputf8)
		reply_reader_ascii(d->reader);
	buf_init(&d->transcript, TRANSCRIPT_MAX);
	buf_init(&d->remarks, REMARKS_MAX);
	d->step = d->tls_first ? STEP_HANDSHAKE : STEP_HELO;
	if (!d->tls_first)
		dialogue_owe(d, STEP_GREETING, 0, 1);
	return d;
}

void dialogue_free(struct dialogue *d)
{
	if (!d)
		return;
	dialogue_free_course(&d->now);
	if (d->before)
		dialogue_free_course(d->before);
	free(d->before);
	auth_free(d->auth);
	free(d->challenge);
	reply_reader_free(d->reader);
	buf_free(&d->transcript);
	free(d->host);
	free(d->relay);
	free(d->myhostname);
	free(d->site_reason);
	free(d->complaint);
	buf_free(&d->remarks);
	free(d);
}

/* Room for one verdict per recipient; what an unusually large transaction needed is given back by the
 * next one. */
static void make_room(struct dialogue *d, size_t count)
{
	if (d->now.room >= count && d->now.room <= KEPT_ROOM)
		return;
	dialogue_free_course(&d->now);
	d->now.room = count > 4 ? count : 4;
	d->now.fallen = mem_grow(NULL, d->now.room, sizeof(*d->now.fallen));
	d->now.state = mem_grow(NULL, d->now.room, sizeof(*d->now.state));
}

void dialogue_begin(struct dialogue *d, const struct transaction *t)
{
	size_t count = t->envelope->count;

	if (dialogue_may_follow(d))
		dialogue_make_way(d);
	assert(!d->now.active && count > 0 && d->now.collected == d->now.fallen_count);
	make_room(d, count);
	memset(d->now.state, RCPT_UNASKED, count);
	d->now.t = *t;
	d->now.policy = (struct policy){
		.last_host = t->last_host, .soft_bounce = d->soft_bounce,
		.skip_5xx_greeting = d->manner->skip_5xx_greeting, .lmtp = d->lmtp,
	};
	d->now.active = true;
	d->now.left = count;
	d->now.accepted = d->now.asked = d->now.finals = d->now.fallen_count = d->now.collected = 0;
	d->now.data_go = d->now.in_step = d->now.in_pieces = d->now.dot_sent = d->now.refused_for_size = false;
	d->now.requiretls = (struct requiretls_outcome){ .lack = REQUIRETLS_UNDECIDED };
	d->now.needs_utf8 = dialogue_needs_smtputf8(d);
	d->now.kept = d->served;
	if (d->served) {
		assert(d->step == STEP_IDLE || d->before);
		d->step = STEP_RSET;
	}
	if (d->served && !d->before)
		buf_clear(&d->transcript);
	d->progress++;
}

/* With deadlines greeting, handshake and AUTH share one (behaviour H2-5). */
static bool goes_on(const struct dialogue *d, enum step step)
{
	enum stage stage = dialogue_steps[step].stage;

	return d->manner->per_request_deadline && (stage <= STAGE_HELO || stage == STAGE_AUTH);
}

static void command_said(struct dialogue *d, enum step step, size_t rcpt, const char *line, size_t n)
{
	struct text shown = dialogue_auth_shown(step, text_make(line, n - strlen("\r\n")));

	d->burst += n;
	if (!goes_on(d, step))
		d->progress++;
	dialogue_record_said(d, shown.p, shown.n);
	if (step != STEP_QUIT || !d->manner->skip_quit_response)
		dialogue_owe(d, step == STEP_LAST_CHUNK ? STEP_DOT : step, rcpt, 1);
	if (step == STEP_LAST_CHUNK)
		dialogue_count_finals(d);
}

/* Goes one step on. False if its command has to wait: what is on its way must fit into the peer's
 * buffers, lest both sides wait for each other to read (RFC 2920 3.1). */
static bool say(struct dialogue *d, struct buf *out)
{
	size_t before = out->len, rcpt = d->now.asked;
	enum step said = d->step, next = dialogue_steps[said].say(d, out);
	size_t n = out->len - before;

	assert(!out->over);
	if (n && d->owed_runs && d->burst + n > BURST_MAX) {
		out->len = before;
		out->data[before] = '\0';
		d->now.asked = rcpt;
		return false;
	}
	d->step = next;
	if (n)
		command_said(d, said, rcpt, out->data + before, n);
	return true;
}

enum dialogue_want dialogue_speak(struct dialogue *d, struct buf *out)
{
	assert(d->now.active || d->served || d->step == STEP_END);
	for (;;) {
		const struct step_row *row = &dialogue_steps[d->step];
		bool alone = row->alone || !(d->offers.offers & EHLO_PIPELINING);

		if (d->owed_runs && alone)
			return DIALOGUE_REPLY;
		if (!row->say)
			return row->want;
		if (!say(d, out))
			return DIALOGUE_REPLY;
	}
}

/* Where replies and commands are counted against each other, a line too many gives a recipient another one's
 * reply. */
static void hint_at_pipelining(struct dialogue *d)
{
	if (d->hints && d->offers.offers & EHLO_PIPELINING)
		dialogue_remark_on(d,
			"warning: %s sent lines that are no reply: to be safe from lost mail, turn PIPELINING off for it "
			"with %s", d->host, d->lmtp ? "lmtp_discard_lhlo_keyword_address_maps" :
			"smtp_discard_ehlo_keyword_address_maps");
}

/* Gives a reply to the command that it answers. */
static void give(struct dialogue *d, const struct reply *r)
{
	bool waited = d->now.refused_for_size;
	struct owed owner = dialogue_take_owed(d);

	dialogue_record_heard(d, r);
	if (r->cut)
		dialogue_remark_on(d, "warning: %s sent a reply with an overlong line, of which the end is dropped",
			d->host);
	if (r->garbage) {
		dialogue_complain(d, "sent lines that are no reply", r);
		hint_at_pipelining(d);
		d->unfit = true;
	}
	if (r->code == 421)
		d->leaving = d->unfit = true;
	if (r->code == 421 && d->now.kept) {
		dialogue_leave_kept(d, STAGE_IDLE, r);
		return;
	}
	if (owner.step != STEP_RSET && owner.step != STEP_UNASKED)
		d->now.kept = false;
	d->now.answered = owner.rcpt;
	dialogue_steps[owner.step].hear(d, r);
	dialogue_count_finals(d);
	/* the final replies have one time limit together, but for the one that may stay the only one */
	if (!goes_on(d, owner.step) && (owner.step != STEP_DOT || waited || d->now.refused_for_size))
		d->progress++;
}

/* While two transactions are under way the replies are those to the earlier one's dot. A session that cannot
 * go on after these ends with them. */
static void take(struct dialogue *d, const struct reply *r)
{
	bool earlier = dialogue_turn(d);

	give(d, r);
	if (!earlier)
		return;
	if (d->before && d->unfit && d->now.left == 0)
		dialogue_stop(d);
	dialogue_swap(d);
}

/* A 421 may come at any time (RFC 5321 3.8), and servers that have had enough say 221 unasked. */
static bool may_be_farewell(const char *bytes, size_t n)
{
	return strncmp(bytes, "421", n < 3 ? n : 3) == 0 || (n >= 3 && strncmp(bytes, "221", 3) == 0);
}

/* Nobody is left to be judged. But where nothing has shown which reply was for which command (BDAT, DATA
 * refused), one too many says that the others may have been for other ones. */
static void hear_too_much(struct dialogue *d, const char *bytes, size_t n)
{
	const struct course *c = &d->now;
	bool doubtful = c->active && !c->in_step && c->asked > 0 && c->collected < c->fallen_count;

	if (doubtful && !may_be_farewell(bytes, n))
		dialogue_violate(d, c->dot_sent ? STAGE_DOT : STAGE_DATA, c->dot_sent
			? "sent a reply too many (chunking is nothing for it)" : "sent a reply too many", NULL);
	else
		dialogue_stop(d);
}

void dialogue_hear(struct dialogue *d, const char *bytes, size_t n)
{
	struct reply r;
	char *concealed;

	while (n && (d->step != STEP_END || d->owed_runs)) {
		if (!d->owed_runs && d->now.left == 0) {
			hear_too_much(d, bytes, n);
			return;
		}
		if (!d->owed_runs && dialogue_awaits_tls(d)) {
			dialogue_violate(d, STAGE_TLS, "sent more than its answer to STARTTLS in clear", NULL);
			return;
		}
		if (!d->owed_runs) {
			dialogue_owe(d, STEP_UNASKED, 0, 1);
			d->progress++;
		}
		switch (reply_reader_next(d->reader, &bytes, &n, &r)) {
		case REPLY_MORE:
			return;
		case REPLY_READY:
			concealed = d->auth ? dialogue_auth_conceal(d, &r) : NULL;
			take(d, &r);
			free(concealed);
			break;
		case REPLY_ENDLESS:
			dialogue_turn(d);
			dialogue_violate(d, dialogue_stage(d), "sent a reply without end", NULL);
			return;
		case REPLY_UNFILTERED:
			dialogue_turn(d);
			dialogue_local_error(d, r.text);
			return;
		}
	}
}

int64_t dialogue_timeout(const struct dialogue *d)
{
	const struct owed *owed = dialogue_owed(d);
	const struct course *c = d->before ? d->before : &d->now;
	enum step step = owed ? owed->step : d->step;
	size_t offset = dialogue_steps[step].timeout;
	int64_t limit;

	if (step == STEP_UNASKED)
		return UNASKED_END;
	if (step == STEP_DOT && c->refused_for_size)
		return ONLY_FINAL;
	if (offset == 0)
		return 0;
	limit = *(const int64_t *)(const void *)((const char *)d->manner + offset);
	if (step == STEP_DOT && c->finals > 1)
		limit += FURTHER_FINAL * (int64_t)(c->finals - 1);
	return limit;
}

unsigned dialogue_progress(const struct dialogue *d)
{
	return d->progress;
}

void dialogue_quit(struct dialogue *d)
{
	if (d->step == STEP_IDLE)
		d->step = STEP_QUIT;
}

bool dialogue_inside_reply(const struct dialogue *d)
{
	const struct owed *owed = dialogue_owed(d);

	return owed && owed->step != STEP_UNASKED && reply_reader_inside(d->reader);
}

bool dialogue_reusable(const struct dialogue *d)
{
	return d->step == STEP_IDLE && d->owed_runs == 0 && !d->unfit;
}

enum site dialogue_site(const struct dialogue *d, const char **reason)
{
	*reason = d->site_reason;
	return d->site;
}

enum stage dialogue_stage(const struct dialogue *d)
{
	const struct owed *owed = dialogue_owed(d);
	enum step step = owed && owed->step != STEP_UNASKED ? owed->step : d->step;

	return dialogue_steps[step].stage;
}

const struct ehlo *dialogue_offers(const struct dialogue *d)
{
	return &d->offers;
}

bool dialogue_greeted(const struct dialogue *d)
{
	return d->greeted;
}
