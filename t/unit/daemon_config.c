#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/config/config.h"

static char dir[] = "/tmp/cw-config-XXXXXX";

static char *write_file(const char *name, const char *text)
{
	return unit_write(dir, name, text);
}

static struct settings *read_with(const char *text, const char *override, struct buf *warnings, char **why)
{
	char *file = write_file("conf", text);
	/* who runs the tests as root need not have the daemon's user */
	const char *overrides[] = { "user=root", override };
	struct config_source source = { .file = file, .overrides = overrides,
		.override_count = 1 + (override != NULL) };
	struct settings *s = config_read(&source, warnings, why);

	free(file);
	return s;
}

/* A file, an option under its Postfix name, and its value. */
static const struct {
	const char *text, *override, *name, *value;
} good[] = {
	{ "lmtp_per_record_deadline = yes", NULL, "lmtp_per_request_deadline", "yes" },
	{ "lmtp { per_record_deadline = yes  per_request_deadline = no }", NULL, "lmtp_per_request_deadline",
		"no" },
	{ "transport x { protocol = lmtp  per_record_deadline = yes }", NULL, "x_per_request_deadline", "yes" },
	{ "known_tcp_ports = \"a=7\"\nlmtp_tcp_port = a", NULL, "lmtp_tcp_port", "a" },
	{ "", NULL, "mailbox_domains", "" },
	{ "mailbox_domains = { \"example.org\" }\nmailbox_transport = \"lmtp:unix:/run/dovecot/lmtp\"", NULL,
	  "mailbox_transport", "lmtp:unix:/run/dovecot/lmtp" },
	{ "mailbox_domains = { a, b }\nmailbox_transport = lmtp:x", NULL, "mailbox_domains", "a, b" },
	{ "mailbox_domains = \"a, b\"\nmailbox_transport = lmtp:x", NULL, "mailbox_domains", "a, b" },
	{ "mailbox_transport = 'lmtp:inet:[ipv6:::1]:24, b.example'", NULL, "mailbox_transport",
		"lmtp:inet:[ipv6:::1]:24, b.example" },
	{ "notify_classes = { }", NULL, "notify_classes", "" },
	{ "debug_peer_list = { a, \"b c\" }", NULL, "debug_peer_list", "a, \"b c\"" },
	{ "notify_classes = 'Protocol, 2bounce'", NULL, "notify_classes", "Protocol, 2bounce" },
	{ "mailbox_domains = { a.test, .b.test, '[192.0.2.1]', '[IPv6:::1]', 'inline:{c=d}', b\xc3\xbc.test }\n"
	  "mailbox_transport = lmtp:x", NULL, "mailbox_domains",
	  "a.test, .b.test, [192.0.2.1], [IPv6:::1], inline:{c=d}, b\xc3\xbc.test" },
	{ "", "lmtp.host_lookup=native, dns", "lmtp_host_lookup", "native, dns" },
	/* a transport's options at the top level, as they are shown */
	{ "transport slow { protocol = lmtp }\nslow_destination_rate_delay = 2s", NULL,
	  "slow_destination_rate_delay", "2s" },
	{ "slow_lhlo_name = '$slow_nexthop'\nslow_nexthop = x.test\nslow_flags = DR\ntransport slow { protocol = "
		"lmtp }",
	  NULL, "slow_lhlo_name", "x.test" },
	{ "include(\"slow\")\ntransport slow { protocol = lmtp }", NULL, "slow_mail_timeout", "9s" },
	{ "transport slow { protocol = lmtp\nmail_timeout = 60 }\nslow_mail_timeout = 1m", NULL,
		"slow_mail_timeout",
	  "60s" },
	{ "transport slow { protocol = lmtp }\nlmtp_destination_recipient_limit = 3", NULL,
	  "slow_destination_recipient_limit", "3" },
	/* what a value may know of where it stands */
	{ "", NULL, "config_directory", dir },
	{ "config_directory = /x", NULL, "config_directory", "/x" },
	{ "", NULL, "process_name", "causewayd" },
	{ "syslog_name = '$process_name'", NULL, "syslog_name", "causewayd" },
	{ "lmtp_lhlo_name = '$service_name-$process_name.test'", NULL, "lmtp_lhlo_name", "lmtp-lmtp.test" },
	{ "transport slow { protocol = lmtp\nlhlo_name = '$service_name-$process_name.test' }", NULL,
		"slow_lhlo_name",
	  "slow-lmtp.test" },
	{ "lmtp { lhlo_name = '${service_name}.test' }\ntransport slow { protocol = lmtp }\n"
	  "transport out { protocol = smtp }", NULL, "slow_lhlo_name", "slow.test" },
	{ "lmtp { lhlo_name = '${service_name}.test' }\ntransport slow { protocol = lmtp\nlhlo_name = own.test }",
		NULL,
	  "slow_lhlo_name", "own.test" },
	{ "notify_classes = bounce\nnotify_classes += data", NULL, "notify_classes", "bounce, data" },
	{ "workers = { 3 }", NULL, "workers", "3" },
	{ "lmtp { mail_timeout = 5m }", NULL, "lmtp_mail_timeout", "300s" },
	{ "lmtp { mail_timeout = 5m }", NULL, "smtp_mail_timeout", "300s" },
	{ "lmtp_mail_timeout = 7", NULL, "lmtp_mail_timeout", "7s" },
	{ "lmtp_mail_timeout = 7\nlmtp { mail_timeout = 7 }", NULL, "lmtp_mail_timeout", "7s" },
	{ "minimal_backoff_time = 120s\nqueue { minimal_backoff_time = 2m }", NULL, "minimal_backoff_time",
	  "120s" },
	{ "message_size_limit = 1048576\nqueue { message_size_limit = 1M }", NULL, "message_size_limit",
	  "1048576" },
	{ "syslog_name = postfix", NULL, "syslog_name", "postfix" },
	{ "syslog_name = postfix/out", NULL, "syslog_name", "postfix/out" },
	{ "log { name = postfix }", NULL, "syslog_name", "postfix" },
	{ "minimal_backoff_time = 1m", NULL, "minimal_backoff_time", "60s" },
	{ "queue { active_limit = 9 }", NULL, "qmgr_message_active_limit", "9" },
	{ "workers = 3", "workers=4", "workers", "4" },
	{ "", "lmtp.mail_timeout = 9 ", "lmtp_mail_timeout", "9s" },
	{ "", "lmtp_mail_timeout=9", "lmtp_mail_timeout", "9s" },
	{ "myhostname = mx.example.org", NULL, "mydomain", "example.org" },
	{ "myhostname = mx.example.org", NULL, "myorigin", "mx.example.org" },
	{ "myhostname = mx.example.org", NULL, "lmtp_lhlo_name", "mx.example.org" },
	{ "myhostname = mx.example.org\nmyorigin = '$mydomain'", NULL, "myorigin", "example.org" },
	{ "myhostname = mx.example.org\nlmtp { lhlo_name = 'a.$(myhostname)' }", NULL, "lmtp_lhlo_name",
		"a.mx.example.org" },
	/* defaults that changed at a compatibility_level */
	{ "compatibility_level = 3.10", NULL, "smtp_tls_security_level", "" },
	{ "compatibility_level = 3.10\nsmtp { tls_security_level = encrypt }", NULL, "smtp_tls_security_level",
		"encrypt" },
	{ "compatibility_level = 3.10", NULL, "lmtp_tlsrpt_skip_reused_handshakes", "yes" },
	{ "compatibility_level = 3.6", NULL, "smtp_tls_fingerprint_digest", "sha256" },
	{ "compatibility_level = 2", NULL, "lmtp_tls_fingerprint_digest", "md5" },
	{ "compatibility_level = 2", NULL, "smtputf8_enable", "yes" },
	{ "", "compatibility_level=0", "smtputf8_enable", "no" },
	{ "compatibility_level = 3.11", NULL, "smtp_tls_security_level", "may" },
	{ "compatibility_level = 3.11.2", NULL, "smtp_tls_security_level", "may" },
	{ "smtp_sasl_auth_cache_time = 2", NULL, "smtp_sasl_auth_cache_time", "2d" },
	{ "smtp_sasl_auth_cache_time = 2s", NULL, "smtp_sasl_auth_cache_time", "2s" },
	{ "fallback_relay = old.example", NULL, "smtp_fallback_relay", "old.example" },
	/* parameters default_destination_concurrency_limit and default_destination_recipient_limit */
	{ "default_destination_recipient_limit = 7\nlmtp { }", NULL, "lmtp_destination_recipient_limit", "7" },
	{ "default_destination_concurrency_limit = 7", NULL, "lmtp_destination_concurrency_limit", "7" },
	{ "default_destination_concurrency_limit = 7\nlmtp { destination_concurrency_limit = 8 }", NULL,
	  "lmtp_destination_concurrency_limit", "8" },
	{ "default_destination_rate_delay = 300ms", NULL, "lmtp_destination_rate_delay", "300ms" },
	{ "default_destination_concurrency_negative_feedback = '1/8'", NULL,
	  "lmtp_destination_concurrency_negative_feedback", "1/8" },
	{ "default_destination_concurrency_failed_cohort_limit = 3", NULL,
	  "lmtp_destination_concurrency_failed_cohort_limit", "3" },
	{ "initial_destination_concurrency = 3", NULL, "lmtp_initial_destination_concurrency", "3" },
	{ "initial_destination_concurrency = 3\nlmtp { initial_destination_concurrency = 4 }", NULL,
	  "lmtp_initial_destination_concurrency", "4" },
	{ "lmtp { mail_timeout = 7 }\ntransport slow { rcpt_timeout = 8\nprotocol = lmtp }", NULL,
		"slow_mail_timeout", "7s" },
	{ "transport slow { rcpt_timeout = 8\nprotocol = lmtp }\nlmtp { mail_timeout = 7 }", NULL,
		"slow_mail_timeout", "7s" },
	{ "transport slow { rcpt_timeout = 8\nprotocol = smtp }", NULL, "slow_rcpt_timeout", "8s" },
	{ "transport slow { protocol = smtp\nsasl_security_options = noactive }", NULL,
	  "slow_sasl_tls_verified_security_options", "noactive" },
	{ "transport slow { protocol = lmtp\nsasl_security_options = noactive }", NULL,
		"slow_sasl_tls_security_options",
	  "noactive" },
	{ "transport slow { protocol = smtp\nsasl_security_options = noactive }", NULL,
		"smtp_sasl_tls_security_options",
	  "noplaintext, noanonymous" },
	{ "smtp_sasl_tls_security_options = ''\ntransport slow { protocol = smtp\nsasl_security_options = "
		"noactive }", NULL,
	  "slow_sasl_tls_security_options", "" },
	{ "transport slow { protocol = smtp\nsasl_security_options = noactive\nsasl_tls_security_options = "
		"noanonymous }",
	  NULL, "slow_sasl_tls_verified_security_options", "noanonymous" },
	{ "transport slow { protocol = smtp }\nsmtp_sasl_security_options = noactive", NULL,
		"slow_sasl_tls_security_options",
	  "noactive" },
	{ "transport slow { protocol = smtp }\ntransport slow { nexthop = x }", NULL, "slow_nexthop", "x" },
	{ "transport slow { protocol = smtp }", "transport.slow.protocol=lmtp", "slow_protocol", "lmtp" },
	{ "transport lmtp { flags = DR }", NULL, "lmtp_flags", "DR" },
	{ "pickup / { }", NULL, "pickup./.settle_time", "10s" },
	{ "include(\"more\")", NULL, "workers", "17" },
	{ "# a comment\n/* one more */\nworkers = 2 // and another", NULL, "workers", "2" },
};

/* A file, and words of the complaint about it; the place at its beginning. */
static const struct {
	const char *text, *override, *complaint, *place;
} bad[] = {
	{ "\nlmtp { bind_address = nowhere }", NULL, "'nowhere' is not an IPv4 address", "conf:2: " },
	{ "transport x { protocol = lmtp  bind_address6 = \"127.0.0.1\" }", NULL, "not an IPv6 address",
		"conf:1: " },
	{ "lmtp_tcp_port = nosuchservice", NULL, "no port or service 'nosuchservice'", "conf:1: lmtp_tcp_port" },
	{ "known_tcp_ports = \"a=7, a=8\"", NULL, "twice", "conf:1: known_tcp_ports" },
	{ "lmtp_discard_lhlo_keyword_address_maps = \"texthash:/nonexistent\"", NULL, "/nonexistent",
	  "conf:1: lmtp_discard_lhlo_keyword_address_maps" },
	{ "nonsense = 1", NULL, "unknown option 'nonsense'", "conf:1: " },
	{ "\n\nqueue {\nnonsense = 1\n}", NULL, "unknown option 'nonsense'", "conf:4: " },
	{ "smtp { lhlo_timeout = 1 }", NULL, "unknown option 'lhlo_timeout'; did you mean helo_timeout?",
		"conf:1: " },
	{ "transport_maps = 'texthash:/dev/null lmtp'", NULL, "'lmtp' is no lookup table: write type:name",
		"conf:1: transport_maps" },
	{ "smtp { generic_maps = generic }", NULL, "'generic' is no lookup table", "conf:1: smtp.generic_maps" },
	{ "smtp_tls_policy_maps = secure", NULL, "no lookup table", "conf:1: smtp_tls_policy_maps" },
	{ "default_delivery_status_filter = 'static:5.9.9 gone'", NULL, "'gone' is no lookup table",
		"conf:1: default_delivery" },
	{ "smtp { body_checks = /etc/body }", NULL, "no lookup table", "conf:1: smtp.body_checks" },
	{ "smtp { tls_securty_level = may }", NULL, "did you mean tls_security_level?", "conf:1: " },
	{ "\ntls_security_level = may", NULL, "did you mean smtp_tls_security_level?", "conf:2: " },
	{ "stmp_tls_security_level = may", NULL, "unknown option; did you mean smtp_tls_security_level?",
		"conf:1: " },
	{ "stmp { }", NULL, "unknown option 'stmp'; did you mean smtp?", "conf:1: " },
	{ "sandbox = maybe", NULL, "not one of the words allowed here: try, require, off", "conf:1: sandbox" },
	{ "queue { hopcount_limit = 0 }", NULL, "less than the least value allowed (from 1 to ",
		"conf:1: queue." },
	{ "\nresolver { trust_anchor_file = /no/file }", NULL, "cannot read '/no/file'",
		"conf:2: resolver.trust_anchor_file" },
	{ "resolver { hosts_file = /no/file }", NULL, "cannot read '/no/file'", "conf:1: resolver.hosts_file" },
	{ "\npickup /no/directory { }", NULL, "there is no directory '/no/directory'",
		"conf:2: pickup./no/directory: " },
	{ "pickup / { bad = /no/directory }", NULL, "there is no directory '/no/directory'",
		"conf:1: pickup./.bad: " },
	{ "log { to = 'file:/no/directory/log' }", NULL, "there is no directory '/no/directory'",
		"conf:1: log.to: " },
	{ "events { file = /dev/null/x }", NULL, "there is no directory '/dev/null'", "conf:1: events.file: " },
	{ "lmtp { helo_timeout = 1 }", NULL, "unknown option 'helo_timeout'", "conf:1: " },
	{ "lmtp { smtp_helo_timeout = 1 }", NULL, "unknown option", "conf:1: " },
	{ "nonsense { }", NULL, "unknown option", "conf:1: " },
	{ "workers = 2\nworkers = 3", NULL, "conf:1", "conf:2: " },
	{ "lmtp_mail_timeout = 7\n\nlmtp { mail_timeout = 8 }", NULL, "lmtp_mail_timeout is set to '7' at",
		"conf:3: " },
	{ "minimal_backoff_time = 120s\nqueue { minimal_backoff_time = 3m }", NULL, "is set to '120s' at",
	  "conf:2: " },
	{ "message_size_limit = 1K\nqueue { message_size_limit = '$recipient_limit' }", NULL,
	  "is set to '1K' at",
	  "conf:2: " },
	{ "syslog_name = a\nlog { name = b }", NULL, "syslog_name", "conf:2: " },
	{ "workers = two", NULL, "not a number", "conf:1: workers = 'two'" },
	{ "workers = ", NULL, "unexpected token", "conf:2: " },
	{ "workers = { 2, 3 }", NULL, "takes one value", "conf:1: " },
	{ "workers = {}", NULL, "not a number", "/conf: " },
	{ "workers 2", NULL, "missing equal sign", "conf:1: " },
	{ "workers = 2 3", NULL, "unknown option '3'", "conf:1: " },
	{ "myhostname = \"abc", NULL, "premature end of file", "conf:3: " },
	{ "myhostname = 'abc", NULL, "unterminated", "conf:3: " },
	{ "lmtp { mail_timeout = 1", NULL, "closing brace is missing", "conf:2: " },
	{ "transport x { protocol = lmtp\nworkers = 3", NULL, "unknown option 'workers'", "conf:2: " },
	{ "}", NULL, "closing brace", "conf:1: " },
	{ "lmtp { mail_timeout = 0 }", NULL, "less than", "conf:1: lmtp.mail_timeout" },
	{ "queue { message_size_limit = '9 parsecs' }", NULL, "not a size", "conf:1: " },
	{ "myhostname = '$nonsense'", NULL, "does not exist", "conf:1: myhostname" },
	{ "myhostname = '$myhostname'", NULL, "refers to itself", "conf:1: myhostname" },
	{ "myhostname = '$myorigin'", NULL, "refers to itself", "" },
	{ "myhostname = 'a$'", NULL, "written $$", "conf:1: " },
	{ "myhostname = '${myorigin'", NULL, "unbalanced", "conf:1: " },
	{ "myhostname = 'a b'", NULL, "not a host name", "conf:1: " },
	{ "mailbox_domains = a", NULL, "no mailbox_transport", "conf:1: " },
	{ "mailbox_transport = nowhere:x", NULL, "no transport 'nowhere'", "conf:1: " },
	{ "mailbox_transport = 'lmtp:unix:'", NULL, "begins with /", "conf:1: mailbox_transport" },
	{ "mailbox_transport = 'lmtp:unix:run/lmtp'", NULL, "begins with /", "conf:1: " },
	{ "mailbox_transport = 'lmtp:inet:[127.0.0.1'", NULL, "bad nexthop '[127.0.0.1'", "conf:1: " },
	{ "mailbox_transport = 'lmtp:inet:a.example, b.example:99999'", NULL, "bad nexthop 'b.example:99999'",
	  "conf:1: " },
	{ "default_transport = 'lmtp:[::1'", NULL, "bad nexthop", "conf:1: " },
	{ "transport x { protocol = lmtp\nnexthop = 'unix:relative' }", NULL, "begins with /", "conf:2: " },
	{ "default_transport = nowhere", NULL, "no transport 'nowhere'", "conf:1: " },
	{ "\ntransport_maps = nonsense:/x", NULL, "nonsense", "conf:2: " },
	{ "transport_maps = texthash:/nonexistent/x", NULL, "/nonexistent/x", "conf:1: " },
	{ "\ntransport slow { nexthop = x }", NULL, "protocol = lmtp or protocol = smtp", "conf:2: " },
	{ "transport slow { }", NULL, "protocol = lmtp or protocol = smtp", "conf:1: " },
	{ "transport slow { protocol = uucp }", NULL, "words allowed here: smtp, lmtp", "conf:1: " },
	{ "transport smtp { protocol = lmtp }", NULL, "of their name", "conf:1: " },
	{ "transport 'a b' { protocol = lmtp }", NULL, "letters, digits", "conf:1: " },
	{ "transport slow { protocol = lmtp\nhelo_timeout = 1 }", NULL, "unknown option", "conf:2: " },
	/* behaviour R-8 */
	{ "transport slow { protocol = lmtp\nflags = Z }", NULL, "DORX", "conf:2: " },
	{ "lmtp { destination_concurrency_positive_feedback = 2 }", NULL, "0 to 1", "conf:1: " },
	{ "\nlmtp_destination_concurrency_negative_feedback = 1/x", NULL, "0 to 1", "conf:2: " },
	{ "\ndefault_destination_concurrency_negative_feedback = nothing", NULL, "0 to 1", "conf" },
	{ "transport { protocol = lmtp }", NULL, "missing title", "conf:1: " },
	{ "pickup relative { }", NULL, "begins with /", "conf:1: " },
	{ "pickup /x { format = mbox }", NULL, "auto, bsmtp, eml", "conf:1: " },
	{ "log { to = printer }", NULL, "syslog, stderr", "conf:1: " },
	{ "log { name = 'a b' }", NULL, "must be one word", "conf:1: log.name" },
	{ "syslog_name = '/a'", NULL, "must be one word", "conf:1: syslog_name" },
	{ "syslog_name = 'a/'", NULL, "must be one word", "conf:1: syslog_name" },
	{ "syslog_name = 'a[1]'", NULL, "must be one word", "conf:1: syslog_name" },
	{ "syslog_name = ''", NULL, "must be one word", "conf:1: syslog_name" },
	{ "syslog_facility = post", NULL, "no such syslog facility", "conf:1: syslog_facility" },
	{ "log { facility = post }", NULL, "facility", "conf:1: " },
	{ "control { http = localhost:80 }", NULL, "numeric", "conf:1: " },
	{ "control { http = 127.0.0.1 }", NULL, "numeric", "conf:1: " },
	{ "control { socket = run }", NULL, "begins with /", "conf:1: " },
	{ "spool_directory = spool", NULL, "begins with /", "conf:1: " },
	{ "resolver { servers = { ns.example } }", NULL, "numeric", "conf:1: " },
	{ "resolver { servers = { 127.0.0.1@x } }", NULL, "port", "conf:1: " },
	{ "inet_protocols = ipv5", NULL, "ipv4", "conf:1: " },
	{ "\nqueue { minimal_backoff_time = 2h }", NULL, "less than minimal", "conf:2: queue.minimal" },
	{ "minimal_backoff_time = 2h\nmaximal_backoff_time = 1h", NULL, "less than minimal",
	  "conf:2: maximal" },
	{ "transport x { protocol = lmtp }\ntransport x { protocol = smtp }", NULL, "but to 'lmtp' at",
	  "conf:2: " },
	{ "transport smtp { flags = Q }", NULL, "DORX", "conf:1: " },
	{ "process_id = 7", NULL, "is read-only", "conf:1: process_id" },
	{ "", "service_name=x", "is read-only", "-o: service_name" },
	{ "notify_classes = { bounce, nonsense }", NULL, "'nonsense' is none of bounce, 2bounce, data",
		"conf:1: notify" },
	{ "\npropagate_unmatched_extensions = all", NULL, "'all' is none of alias, canonical", "conf:2: " },
	{ "inet_protocols = {}", NULL, "is empty, but needs one of all, ipv4, ipv6", "" },
	{ "lmtp { host_lookup = files }", NULL, "'files' is none of dns, native", "conf:1: lmtp.host_lookup" },
	{ "transport x { protocol = smtp\ndns_resolver_options = 'res_debug' }", NULL, "none of res_defnames",
	  "conf:2: transport.x.dns" },
	{ "mailbox_domains = { a.test, 'b@c.test' }\nmailbox_transport = lmtp:x", NULL,
		"'b@c.test' is not a domain",
	  "conf:1: mailbox_domains" },
	{ "mailbox_domains = 'a..test'\nmailbox_transport = lmtp:x", NULL, "'a..test' is not a domain",
		"conf:1: " },
	{ "mailbox_domains = '*'\nmailbox_transport = lmtp:x", NULL, "'*' is not a domain", "conf:1: " },
	{ "mailbox_domains = '[192.0.2.1'\nmailbox_transport = lmtp:x", NULL, "address literal", "conf:1: " },
	{ "mailbox_domains = '.'\nmailbox_transport = lmtp:x", NULL, "'.' is not a domain", "conf:1: " },
	{ "transport slow { protocol = lmtp }\nfast_mail_timeout = 3", NULL, "fast_mail_timeout: unknown option",
	  "conf:2: " },
	{ "transport slow { protocol = lmtp }\nslow_helo_timeout = 3", NULL, "unknown option", "conf:2: " },
	{ "transport slow { protocol = lmtp }\nslow_nonsense = 3", NULL, "unknown option 'slow_nonsense'",
		"conf:2: " },
	{ "transport slow { protocol = lmtp\nmail_timeout = 3 }\nslow_mail_timeout = 4", NULL, "is set to '3' at",
	  "conf:3: slow_mail_timeout" },
	{ "transport slow { protocol = lmtp }\nslow_mail_timeout = x", NULL, "not a time",
		"conf:2: slow_mail_timeout" },
	{ "slow_protocol = lmtp", NULL, "unknown option 'slow_protocol'", "conf:1: " },
	{ "include(\"missing\")", NULL, "No such file", "conf:1: " },
	{ "\ninclude(\"/tmp\")", NULL, "s a directory", "conf:2: " },
	{ "workers = 3\n\001", NULL, "control character (0x01)", "conf:2: " },
	{ "myhostname = \"a\033[2J\"", NULL, "control character (0x1b)", "conf:1: " },
	{ "\ninclude(\"binary\")", NULL, "control character (0x02)", "binary:3: " },
	{ "include()", NULL, "one file name", "conf:1: " },
	{ "include(\"loop\")", NULL, "nested too deeply", "" },
	{ "include(\"worse\")", NULL, "unknown option", "worse:2: " },
	{ "", "workers", "not name=value", "-o: " },
	{ "", "nonsense=1", "unknown option", "-o: nonsense" },
	{ "", "workerz=1", "did you mean workers?", "-o: workerz" },
	{ "", "workers=many", "not a number", "-o: workers = 'many'" },
	{ "", "transport.x.nexthop=1", "unknown option", "-o: " },
};

static void remember(void *arg, const char *name, const char *value)
{
	(void)name;
	snprintf(arg, 4096, "%s", value);
}

START_TEST(test_good)
{
	struct buf warnings;
	char shown[4096] = "", *why = NULL;
	struct settings *s;

	buf_init(&warnings, 65536);
	s = read_with(good[_i].text, good[_i].override, &warnings, &why);
	ck_assert_msg(s != NULL, "%s: %s", good[_i].text, why);
	ck_assert_uint_eq(settings_each(s, good[_i].name, remember, shown), 1);
	ck_assert_str_eq(shown, good[_i].value);
	settings_free(s);
	buf_free(&warnings);
}
END_TEST

START_TEST(test_bad)
{
	struct buf warnings;
	char *why = NULL;

	buf_init(&warnings, 65536);
	ck_assert_msg(!read_with(bad[_i].text, bad[_i].override, &warnings, &why), "%s was taken",
		bad[_i].text);
	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, bad[_i].complaint) != NULL, "%s: %s", bad[_i].text, why);
	ck_assert_msg(strstr(why, bad[_i].place) != NULL, "%s: %s", bad[_i].text, why);
	free(why);
	buf_free(&warnings);
}
END_TEST

/* What stays behind of a bad file must not spoil the next one. */
START_TEST(test_good_after_bad)
{
	struct buf warnings;
	char *why = NULL;
	struct settings *s;

	buf_init(&warnings, 65536);
	ck_assert_ptr_null(read_with("myhostname = \"abc", NULL, &warnings, &why));
	free(why);
	s = read_with("workers = 3", NULL, &warnings, &why);
	ck_assert_msg(s != NULL, "%s", why);
	ck_assert_int_eq(s->workers, 3);
	settings_free(s);
	buf_free(&warnings);
}
END_TEST

static const struct {
	const char *text, *warning;
} warned[] = {
	{ "lmtp_connection_cache_time_limit = 10s",
		"conf:1: lmtp_connection_cache_time_limit: no connection is kept "
	  "for longer than connection_cache_ttl_limit, which is 2 s\n" },
	{ "\nsmtp_tls_loglevel = '1, loud'",
	  "conf:2: smtp_tls_loglevel: 'loud' is no level and no name of one, it is passed over\n" },
	{ "lmtp { tls_fingerprint_cert_match = 'aa:bb, x' }",
	  "conf:1: lmtp.tls_fingerprint_cert_match: 'x' is no fingerprint" },
	{ "smtp { tlsrpt_enable = yes }",
		"conf:1: smtp.tlsrpt_enable: TLSRPT is not built in: nothing is reported\n" },
	{ "\ntransport_maps = 'inline:{a.test=lmtp:unix:/x, b.test=nosuch:x, c.test=nosuch:}'",
	  "conf:2: transport_maps: there is no transport 'nosuch' (mail that goes there is deferred, 4.3.5)\n" },
	{ "transport_maps = static:ltmp", "conf:1: transport_maps: there is no transport 'ltmp'; did you mean lmtp?" },
	{ "transport archive { protocol = smtp }\ntransport_maps = { 'static:{archiv:x}' }",
	  "conf:2: transport_maps: there is no transport 'archiv'; did you mean archive?" },
	{ "\nsmtp_discard_ehlo_keywords = 'Pipelining, pipelinng dsn'",
	  "conf:2: smtp_discard_ehlo_keywords: 'pipelinng' is not known and passed over; did you mean pipelining?\n" },
	{ "lmtp { discard_lhlo_keywords = { DSN, silent_discard } }",
	  "conf:1: lmtp.discard_lhlo_keywords: 'silent_discard' is not known and passed over; did you mean "
	  "silent-discard?\n" },
	{ "transport x { protocol = smtp  discard_ehlo_keywords = x-nonsense }",
	  "conf:1: transport.x.discard_ehlo_keywords: 'x-nonsense' is not known and passed over\n" },
	{ "smtp_pix_workarounds = 'Disable_ESMTP delay_dotcrl'",
	  "conf:1: smtp_pix_workarounds: 'delay_dotcrl' is not known and passed over; did you mean delay_dotcrlf?\n" },
	{ "lmtp_pix_workarounds = none", "conf:1: lmtp_pix_workarounds: 'none' is not known and passed over\n" },
	{ "fallback_relay = x", "conf:1: fallback_relay is obsolete: use smtp_fallback_relay\n" },
	{ "\nsmtp { use_tls = yes }", "conf:2: smtp.use_tls is obsolete: use tls_security_level" },
	{ "smtp_use_tls = yes", "conf:1: smtp_use_tls is obsolete: use tls_security_level" },
	{ "smtp { line_length_limit = 75 }",
		"conf:1: smtp.line_length_limit: what is encoded may be cut so that nobody can "
	  "read it: encoded words in headers take up to 76 bytes of a line, quoted-printable at least 8\n" },
	{ "lmtp_line_length_limit = 1", "conf:1: lmtp_line_length_limit: what is encoded may be cut" },
};

START_TEST(test_warned)
{
	struct buf warnings;
	char *why = NULL;
	struct settings *s;

	buf_init(&warnings, 65536);
	s = read_with(warned[_i].text, NULL, &warnings, &why);
	ck_assert_msg(s != NULL, "%s", why);
	ck_assert_msg(strstr(buf_text(&warnings), warned[_i].warning) != NULL, "%s", buf_text(&warnings));
	ck_assert_ptr_eq(strchr(buf_text(&warnings), '\n'), warnings.data + warnings.len - 1);
	settings_free(s);
	buf_free(&warnings);
}
END_TEST

START_TEST(test_quiet)
{
	struct buf warnings;
	char *why = NULL;

	buf_init(&warnings, 65536);
	settings_free(read_with("workers = 3\nlmtp_header_checks = ''\nlmtp_sasl_auth_enable = no\n"
		"delay_warning_time = 0\nlmtp_tls_enable_rpk = no\ntransport x { protocol = lmtp }\n"
		"smtp_discard_ehlo_keywords = 'pipelining, 8bitmime SIZE dsn enhancedstatuscodes smtputf8 starttls auth "
		"chunking xforward xclient requiretls etrn vrfy verp Silent-Discard'\nsmtp_pix_workarounds = ''\n"
		"lmtp_pix_workarounds = 'delay_dotcrlf disable_esmtp'\nlmtp_dns_resolver_options = res_dnsrch\n"
		"transport_maps = { 'inline:{a.test=x:y, b.test=:z, c.test=smtp, { d.test = smtp:[h]:25 }}', 'static::' }",
		NULL, &warnings, &why));
	ck_assert_str_eq(buf_text(&warnings), "");
}
END_TEST

/* Each of them takes a parse of its own. */
START_TEST(test_too_many_options_of_transports)
{
	struct buf warnings, text;
	char *why = NULL;

	buf_init(&warnings, 65536);
	buf_init(&text, 65536);
	for (int i = 0; i < 101; i++)
		buf_fmt(&text, "t%d_mail_timeout = 3\n", i);
	ck_assert_ptr_null(read_with(buf_text(&text), NULL, &warnings, &why));
	ck_assert_ptr_nonnull(strstr(why, "conf: more than 100 options of transports"));
	free(why);
	buf_free(&text);
}
END_TEST

START_TEST(test_unreadable)
{
	const char *const files[] = { "/nonexistent/conf", "/tmp", "/proc/self/mem" };

	for (size_t i = 0; i < UNIT_ROWS(files); i++) {
		struct config_source source = { .file = files[i] };
		struct buf warnings;
		char *why = NULL;

		buf_init(&warnings, 65536);
		ck_assert_ptr_null(config_read(&source, &warnings, &why));
		ck_assert_msg(strncmp(why, files[i], strlen(files[i])) == 0, "%s", why);
		free(why);
	}
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "good", test_good, UNIT_ROWS(good), 0 },
		{ "bad", test_bad, UNIT_ROWS(bad), 0 },
		{ "good after bad", test_good_after_bad, 1, 0 },
		{ "warned", test_warned, UNIT_ROWS(warned), 0 },
		{ "quiet", test_quiet, 1, 0 },
		{ "too many options of transports", test_too_many_options_of_transports, 1, 0 },
		{ "unreadable", test_unreadable, 1, 0 },
	};
	int failed;
	char *command;

	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	free(write_file("more", "workers = 17\n"));
	free(write_file("slow", "slow_mail_timeout = 9\n"));
	command = write_file("loop", "");
	free(command);
	command = mem_fmt("include(\"%s/loop\")\n", dir);
	free(write_file("loop", command));
	free(command);
	free(write_file("worse", "\nnonsense = 1\n"));
	free(write_file("binary", "\n\n\002"));
	failed = unit_main("daemon/config", cases, UNIT_ROWS(cases));
	command = mem_fmt("rm -r %s", dir);
	if (system(command) != 0)
		failed = EXIT_FAILURE;
	free(command);
	return failed;
}
