#include "queue/result/delivery_log.h"

#include <stdlib.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/address/address.h"
#include "queue/core.h"

enum { DELAYS_ROOM = 128 };

/* name=<address>, as it is written in mail or, if info_log_address_format says so, without the quotes of its
 * local part. */
static void log_mail(const struct queue *q, struct log_entry *e, const char *name, const char *address)
{
	struct text local, domain;
	struct buf plain;

	if (q->settings->info_log_address_format == LOG_ADDRESS_EXTERNAL || *address != '"') {
		log_address(e, name, address);
		return;
	}
	address_split(text_of(address), &local, &domain);
	buf_init(&plain, ADDRESS_MAX + 1);
	address_unquote(local, &plain);
	if (domain.n)
		buf_fmt(&plain, "@%.*s", (int)domain.n, domain.p);
	log_address(e, name, buf_text(&plain));
	buf_free(&plain);
}

static void log_message_id(const char *id, const char *message_id)
{
	struct log_entry *e = log_begin("cleanup", 0, id);

	log_field(e, "message-id", message_id);
	log_end(e, NULL);
}

/* The message id of a report is made from its queue id, see report.c; the spool has not read it. */
static void log_report_arrival(const struct queue *q, const char *id)
{
	char *message_id = mem_fmt("<%s@%s>", id, q->settings->myhostname);

	log_message_id(id, message_id);
	free(message_id);
}

void delivery_log_arrival(const struct queue *q, const struct spool_message *m)
{
	char id[QUEUE_ID_SIZE];
	struct log_entry *e;

	queue_id_print(m->id, id);
	if (queue_id_report(m->id)) {
		log_report_arrival(q, id);
		return;
	}
	e = log_begin("pickup", 0, id);
	log_number(e, "uid", (int64_t)m->uid);
	log_blank(e);
	log_mail(q, e, "from", m->envelope->sender);
	log_end(e, NULL);
	log_message_id(id, m->message_id && *m->message_id ? m->message_id : "<>");
}

void delivery_log_active(const struct queue *q, const struct active *a)
{
	struct log_entry *e = log_begin("qmgr", 0, a->name);

	log_mail(q, e, "from", a->envelope->sender);
	log_number(e, "size", (int64_t)active_size(a->content_size));
	log_number(e, "nrcpt", (int64_t)a->open);
	log_end(e, "queue active");
}

static int64_t power_of_ten(int64_t n)
{
	int64_t p = 1;

	while (n-- > 0)
		p *= 10;
	return p;
}

/* Decimals that leave two significant digits; the measure is ms, so there are never more than three. */
static int64_t useful_decimals(int64_t ms)
{
	if (ms >= 10000)
		return 0;
	return ms >= 1000 ? 1 : ms >= 100 ? 2 : 3;
}

void delivery_log_delay(int64_t ms, int64_t decimals, struct buf *out)
{
	int64_t unit, rounded;

	if (ms < 0)
		ms = 0;
	if (decimals > useful_decimals(ms))
		decimals = useful_decimals(ms);
	unit = power_of_ten(3 - decimals);
	rounded = (ms + unit / 2) / unit;
	for (; decimals > 0 && rounded % 10 == 0; decimals--)
		rounded /= 10;
	unit = power_of_ten(decimals);
	buf_signed(out, rounded / unit);
	if (decimals > 0)
		buf_char(out, '.');
	while (decimals-- > 0) {
		unit /= 10;
		buf_char(out, (char)('0' + rounded / unit % 10));
	}
}

static void delays(const struct queue *q, const struct active *a, const struct note *n, struct log_entry *e)
{
	const int64_t part[] = {
		a->began - a->message->arrived, n->sent_off - a->began, n->setup, n->transmission
	};
	int64_t decimals = q->settings->delay_logging_resolution_limit;
	struct buf b;

	buf_init(&b, DELAYS_ROOM);
	delivery_log_delay(n->when - a->message->arrived, decimals, &b);
	log_decimal(e, "delay", buf_text(&b));
	buf_clear(&b);
	for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
		if (i)
			buf_char(&b, '/');
		delivery_log_delay(part[i], decimals, &b);
	}
	log_field(e, "delays", buf_text(&b));
	buf_free(&b);
}

void delivery_log(const struct queue *q, const struct active *a, uint32_t rcpt)
{
	const struct envelope_rcpt *r = &a->envelope->rcpts[rcpt];
	const struct note *n = a->rcpts[rcpt].note;
	struct log_entry *e = log_begin(n->process, n->pid, a->name);

	log_mail(q, e, "to", r->address);
	if (r->original && strcasecmp(r->original, r->address) != 0)
		log_mail(q, e, "orig_to", r->original);
	if (*n->transport)
		log_detail(e, "transport", n->transport);
	log_field(e, "relay", n->relay);
	if (n->conn_use > 1)
		log_number(e, "conn_use", n->conn_use);
	delays(q, a, n, e);
	if (n->tls)
		log_field(e, "tls", n->tls);
	log_field(e, "dsn", n->dsn);
	log_field(e, "status", note_status(n));
	log_blank(e);
	log_end(e, n->text);
}

void delivery_log_expired(const struct queue *q, const struct active *a)
{
	struct log_entry *e = log_begin("qmgr", 0, a->name);

	log_mail(q, e, "from", a->envelope->sender);
	log_field(e, "status", "expired, returned to sender");
	log_end(e, NULL);
}
