#include "courier/courier.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "courier/delivery/delivery.h"
#include "courier/explain.h"
#include "courier/login/login_threads.h"
#include "courier/login/refused_logins.h"
#include "talk/auth.h"

enum {
	DESCRIPTORS_OF_OURS = 64,       /* not for sessions: the loop, the link, the resolver, the log … */
	SESSIONS_MAX = 8192,
	COMMANDS_MAX = 64 * 1024,       /* said in one go */
	LINGER_MS = 50                  /* between looks whether the last packets have left */
};

struct courier {
	struct loop *loop;
	struct delivery_tools tools;
	struct transports *transports;
	struct explainer explainer;
	struct debug_peers *debug_peers;
	struct refused_logins *refused_logins;
	struct loop_timer *linger;
	size_t sessions_max;
	bool stopping;
};

/* After a stop: when the last request is over and the queue has been told. */
static void leave_if_done(void *arg)
{
	struct courier *c = arg;

	if (!c->stopping || c->tools.running_count > 0)
		return;
	link_flush(c->tools.link);
	if (link_is_quiet(c->tools.link))
		loop_stop(c->loop);
	else
		loop_timer_set(c->linger, LINGER_MS);
}

/* With requests that wait for a connection, how many are delivered counts for more than how soon one is. */
static void heed_waiting(struct courier *c)
{
	loop_set_patient(c->loop, ahead_count(c->tools.ahead) > 0);
}

/* What the link says. */

static void on_request(void *arg, struct request *r, int fd)
{
	struct courier *c = arg;

	delivery_start(&c->tools, r, fd);
	heed_waiting(c);
}

static void on_close_idle(void *arg, uint32_t destination, unsigned count)
{
	struct courier *c = arg;

	pool_close(c->tools.pool, destination, count);
}

static void on_recall(void *arg, uint32_t destination, uint32_t request)
{
	struct courier *c = arg;

	delivery_recall(&c->tools, destination, request);
}

static void on_stop(void *arg)
{
	struct courier *c = arg;

	c->stopping = true;
	pool_close_all(c->tools.pool);
	leave_if_done(c);
}

static void on_broken(void *arg, const char *why)
{
	struct courier *c = arg;

	(void)why;
	loop_stop(c->loop);
}

static void on_lookup(void *arg, uint32_t number, const char *question)
{
	struct courier *c = arg;

	explain_start(&c->explainer, number, question);
}

static void on_keep(void *arg, const char *key, const void *value, size_t n)
{
	struct courier *c = arg;

	tickets_came(c->tools.sessions.tickets, key, value, n);
	refused_logins_hear(c->refused_logins, key, value, n);
	dead_addresses_hear(c->tools.hosts.dead, key, value, n);
}

static const struct link_events link_events = {
	.request = on_request, .recall = on_recall, .lookup = on_lookup, .keep = on_keep,
	.close_idle = on_close_idle, .stop = on_stop,
	.broken = on_broken,
};

/* What deliveries and the pool say. */

/* Every request that runs may need a connection; idle ones have what is left. */
static void on_connecting(void *arg)
{
	struct courier *c = arg;
	size_t running = c->tools.running_count;

	pool_trim(c->tools.pool, running < c->sessions_max ? c->sessions_max - running : 0);
}

static void on_over(void *arg)
{
	struct courier *c = arg;

	link_set_rest(c->tools.link, ahead_count(c->tools.ahead) > 0);
	heed_waiting(c);
	if (c->stopping)
		pool_close_all(c->tools.pool);
	leave_if_done(c);
}

static void on_closed(void *arg, uint32_t destination, unsigned count)
{
	struct courier *c = arg;

	link_send_closed(c->tools.link, destination, count);
}

/* Setting up. */

/* Each session may hold two descriptors: its connection and its message. */
static size_t sessions_allowed(void)
{
	struct rlimit limit;
	rlim_t most = SESSIONS_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < DESCRIPTORS_OF_OURS + 2)
		return 1;
	if ((limit.rlim_cur - DESCRIPTORS_OF_OURS) / 2 < most)
		most = (limit.rlim_cur - DESCRIPTORS_OF_OURS) / 2;
	return (size_t)most;
}

static void make_tools(struct courier *c, const struct settings *s)
{
	struct delivery_tools *t = &c->tools;

	t->arg = c;
	t->minimal_backoff_time = s->minimal_backoff_time;
	t->connecting = on_connecting;
	t->over = on_over;
	list_init(&t->running);
	t->ahead = ahead_new();
	t->pool = pool_new(c->loop, s->connection_cache_protocol_timeout, on_closed, c);
	t->sessions.loop = c->loop;
	t->sessions.streams = stream_shared_new(c->loop);
	stream_shared_set_window(t->sessions.streams, (int)s->tcp_windowsize);
	t->sessions.myhostname = s->myhostname;
	t->sessions.soft_bounce = s->soft_bounce;
	t->sessions.reply_line = (size_t)s->line_length_limit;
	t->sessions.keeps_8bit = s->disable_mime_output_conversion;
	t->sessions.no_smtputf8 = !s->smtputf8_enable;
	t->sessions.hints = s->helpful_warnings;
	t->sessions.awaits_close_notice = !s->tls.fast_shutdown_enable;
	t->sessions.content = (struct rewriting_setup){
		.header_limit = (size_t)s->header_size_limit, .boundary_limit = (size_t)s->mime_boundary_length_limit,
		.nesting_limit = (size_t)s->mime_nesting_limit, .record_limit = (size_t)s->line_length_limit,
	};
	t->sessions.authzid = s->send_cyrus_sasl_authzid;
	buf_init(&t->sessions.out, COMMANDS_MAX);
}

static void tell_of_tls(const struct courier *c, const struct settings *s)
{
	for (size_t i = 0; i < s->transport_count; i++)
		transport_tls_tell(&transports_find(c->transports, s->transports[i].name)->tls,
			s->transports[i].name);
}

static bool read_transports(struct courier *c, const struct settings *s, char **why)
{
	char *path, *what, *trouble = NULL;

	tls_library_start(s->tls.config_file, s->tls.config_name, &trouble);
	c->transports = transports_new(s, false, &path, &what);
	c->tools.transports = c->transports;
	if (c->transports && trouble)
		transports_without_tls(c->transports, trouble);
	free(trouble);
	if (c->transports)
		tell_of_tls(c, s);
	if (c->transports)
		return true;
	*why = mem_fmt("%s: %s", path, what);
	free(path);
	free(what);
	return false;
}

static bool read_debug_peers(struct courier *c, const struct settings *s, char **why)
{
	struct session_common *common = &c->tools.sessions;

	common->debug_level = (unsigned)s->debug_peer_level;
	if (!*s->debug_peer_list)
		return true;
	c->debug_peers = debug_peers_new(s, why);
	common->debug_peers = c->debug_peers;
	return c->debug_peers;
}

/* Plug-ins are loaded only where somebody logs in. */
static bool open_auth(struct courier *c, char **why)
{
	if (!transports_log_in(c->transports))
		return true;
	c->tools.sessions.login_threads = login_threads_new(c->loop);
	return auth_library_open(why);
}

struct courier *courier_new(struct loop *loop, const struct settings *s, int link_fd, char **why)
{
	struct courier *c = mem_alloc(sizeof *c);

	c->loop = loop;
	c->sessions_max = sessions_allowed();
	make_tools(c, s);
	c->linger = loop_timer_new(loop, leave_if_done, c);
	c->tools.link = link_new(loop, link_fd, &link_events, c);
	c->tools.sessions.tickets = tickets_new(loop, c->tools.link);
	list_init(&c->explainer.running);
	c->refused_logins = refused_logins_new(loop, c->tools.link);
	c->tools.sessions.refused_logins = c->refused_logins;
	if (read_transports(c, s, why) && read_debug_peers(c, s, why) && open_auth(c, why)
			&& hosts_setup_open(&c->tools.hosts, loop, c->tools.link, s, why)) {
		explain_init(&c->explainer, &c->tools.hosts, c->transports, c->tools.link);
		return c;
	}
	courier_free(c);
	return NULL;
}

void courier_start(struct courier *c)
{
	link_send_credit(c->tools.link, (unsigned)c->sessions_max);
}

bool courier_free(struct courier *c)
{
	bool quiet;

	if (!c)
		return true;
	explain_free_all(&c->explainer);
	delivery_free_all(&c->tools);
	ahead_free(c->tools.ahead);
	pool_free(c->tools.pool);
	tickets_free(c->tools.sessions.tickets);
	refused_logins_free(c->refused_logins);
	quiet = login_threads_free(c->tools.sessions.login_threads);
	link_free(c->tools.link);
	hosts_setup_close(&c->tools.hosts);
	transports_free(c->transports);
	debug_peers_free(c->debug_peers);
	stream_shared_free(c->tools.sessions.streams);
	buf_free(&c->tools.sessions.out);
	loop_timer_free(c->linger);
	free(c);
	return quiet;
}
