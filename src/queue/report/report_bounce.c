#include "queue/report/report_bounce.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/core.h"
#include "queue/report/notices.h"
#include "queue/report/report.h"

bool report_bounce_wanted(unsigned notify)
{
	return notify == 0 || (notify & NOTIFY_FAILURE);
}

static bool is_refused(const struct active *a, uint32_t rcpt)
{
	const struct note *n = a->rcpts[rcpt].note;

	if (a->rcpts[rcpt].returned)
		return false;
	return n && (n->outcome == OUTCOME_BOUNCED || (n->outcome == OUTCOME_DEFERRED && a->expired));
}

/* Our own reports ask for no report to anybody, but the postmaster shall know: or neither the recipient nor
 * the sender would. Of bounces from elsewhere only if that is wanted. */
static bool is_told(const struct active *a, uint32_t rcpt)
{
	if (report_is_one(a->message))
		return true;
	if (!*a->envelope->sender && !notices_wanted(a->queue->settings, NOTICE_2BOUNCE))
		return false;
	return report_bounce_wanted(a->envelope->rcpts[rcpt].notify);
}

static void name(struct report *r, const struct active *a, uint32_t rcpt)
{
	const struct note *n = a->rcpts[rcpt].note;
	const bool gave_up = n->outcome == OUTCOME_DEFERRED;
	char *reason = gave_up ? mem_fmt("delivery could not be completed in the time that is allowed; "
		"the last try said: %s", n->text) : mem_str(n->text);

	report_add(r, rcpt, &(struct dsn_rcpt){
		.action = DSN_FAILED, .status = gave_up ? "4.4.7" : n->dsn, .remote = n->relay,
		.diagnostic = n->reply, .reason = reason, .last_attempt = queue_wall(a->queue, n->when) });
	free(reason);
}

/* Names all who are refused and may be told of. */
static struct report *filled(struct report *r, const struct active *a)
{
	for (uint32_t i = 0; i < a->envelope->count; i++)
		if (is_refused(a, i) && is_told(a, i))
			name(r, a, i);
	return r;
}

static bool may_send(const struct active *a)
{
	if (!report_is_notice(a->message))
		return true;
	log_line(LOG_LEVEL_WARNING, "bounce", a->name,
		"the notice to the postmaster cannot be delivered: it is given up");
	return false;
}

static void send_copy(struct active *a)
{
	const struct settings *s = a->queue->settings;

	if (*a->envelope->sender && notices_wanted(s, NOTICE_BOUNCE))
		report_send_copy(filled(report_new_copy(a, DSN_FAILED, s->bounce_notice_recipient), a),
			NOTICE_BOUNCE);
}

/* What cannot be told to a sender may come by the thousand, as when mail was sent in many false names. */
static bool is_news(const struct report *r, const struct active *a)
{
	if (report_is_news(r, NOTICE_2BOUNCE))
		return true;
	log_line(LOG_LEVEL_INFO, "bounce", a->name,
		"no postmaster notification: the same was mailed in the last hour; this one is counted, and the "
		"count is mailed");
	return false;
}

/* To the sender, or where there is none, to the postmaster. */
bool report_bounce(struct active *a, void (*written)(struct active *))
{
	const bool notice = !*a->envelope->sender;
	const char *to = notice ? a->queue->settings->double_bounce_recipient : a->envelope->sender;
	struct report *r = filled(report_new(a, DSN_FAILED, to, notice), a);

	if (report_count(r) == 0 || !may_send(a) || (notice && !is_news(r, a))) {
		report_free(r);
		return false;
	}
	send_copy(a);
	return report_send(r, written);
}
