#include "settings/settings_rows.h"

#include "settings/settings.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define ROW_OF(type, kind_, name_, member, initial_, ...) \
	{ .name = name_, .kind = OPTION_##kind_, .offset = offsetof(struct type, member), .initial = initial_, \
	  .help = __VA_ARGS__ }
#define ROW(...) ROW_OF(settings, __VA_ARGS__)

enum { MINUTE = 60 * 1000, DAY = 24 * 60 * MINUTE, MEBIBYTE = 1024 * 1024 };

static const char *const sandbox_words[] = { "try", "require", "off", NULL };
static const char *const address_words[] = { "external", "internal", NULL };
static const char *const from_words[] = { "standard", "obsolete", NULL };
static const char *const format_words[] = { "text", "json", NULL };
static const char *const form_words[] = { "auto", "bsmtp", "eml", NULL };

static const struct option_row top_rows[] = {
	ROW(TEXT, "myhostname", myhostname, "",
		"this host's name in greetings, trace fields and reports; default: its full domain name"),
	ROW(TEXT, "mydomain", mydomain, "",
		"this host's domain; default: myhostname without its first label"),
	ROW(TEXT, "myorigin", myorigin, "$myhostname", "domain appended to addresses that have none"),
	ROW(TEXT, "spool_directory", spool_directory, LOCALSTATEDIR "/spool/causeway",
		"where mail is dropped and queued"),
	ROW(TEXT, "user", user, "causeway", "whom to become when started by root"),
	ROW(COUNT, "workers", workers, "0", "couriers, which are the processes that deliver; 0 is one per CPU",
		.max = 256),
	ROW(CHOICE, "sandbox", sandbox, "try",
		"try: as much as the kernel can; require: all of it or no start; off: none",
		.choices = sandbox_words),
	ROW(LIST, "mailbox_domains", mailbox_domains, "",
		"domains (.example.org: sub-domains too) and tables of them whose mail goes to mailbox_transport"),
	ROW(TEXT, "mailbox_transport", mailbox_transport, "",
		"transport:nexthop of the mail of mailbox_domains"),
	ROW(LIST, "transport_maps", transport_maps, "",
		"tables with transport:nexthop per address or domain, asked before everything else"),
	ROW(TEXT, "default_transport", default_transport, "smtp",
		"transport, or transport:nexthop, of all other mail"),
	ROW(TEXT, "relayhost", relayhost, "",
		"nexthop for default_transport instead of the recipient's domain"),
	ROW(TEXT, "recipient_delimiter", recipient_delimiter, "",
		"characters of which the first one in a local part begins its extension; empty: there are none"),
	ROW(LIST, "propagate_unmatched_extensions", propagate_unmatched_extensions, "canonical, virtual",
		"rewriting that keeps an extension which its table does not know; of these there is generic here"),
	ROW(FLAG, "soft_bounce", soft_bounce, "no", "treat every permanent refusal as a temporary one"),
	ROW(LIST, "notify_classes", notify_classes, "resource, software", "problems reported by mail"),
	ROW(TEXT, "2bounce_notice_recipient", double_bounce_recipient, "postmaster",
		"who gets a notice when a report cannot be delivered"),
	ROW(TEXT, "bounce_notice_recipient", bounce_notice_recipient, "postmaster",
		"who gets copies of non-delivery reports, with bounce in notify_classes"),
	ROW(TEXT, "delay_notice_recipient", delay_notice_recipient, "postmaster",
		"who gets copies of reports of delay, with delay in notify_classes"),
	ROW(TEXT, "error_notice_recipient", error_notice_recipient, "postmaster",
		"who gets notices of the classes data, protocol, resource and software"),
	ROW(CHOICE, "header_from_format", header_from_format, "standard",
		"From: of reports and notices: standard, name <address>; obsolete, address (name)",
		.choices = from_words),
	ROW(FLAG, "helpful_warnings", helpful_warnings, "yes",
		"warnings say what to change, and settings that seldom do what is meant are warned about at the "
		"start"),
	ROW(LIST, "default_delivery_status_filter", default_delivery_status_filter, "",
		"delivery_status_filter of transports that set none, and of mail without a transport"),
	ROW(SIZE, "bounce_size_limit", bounce_size_limit, "50000",
		"bytes of a message above which a report returns its header only", .max = 100 << 20),
	ROW(FLAG, "requiretls_redact_dsn", requiretls_redact_dsn, "yes",
		"reports about mail that asks for REQUIRETLS do not ask for it themselves"),
	ROW(DURATION, "daemon_timeout", daemon_timeout, "18000s",
		"a courier that has work and says nothing for so long is killed", .min = 1000),
	ROW(COUNT, "max_use", max_use, "0", "requests after which a courier is replaced; 0: never"),
	ROW(DURATION, "max_idle", max_idle, "0s",
		"time without requests after which a courier is replaced; 0: never"),
	ROW(DURATION, "ipc_timeout", ipc_timeout, "3600s",
		"how long one process waits for another's answer", .min = 1000),
	ROW(COUNT, "delay_logging_resolution_limit", delay_logging_resolution_limit, "2",
		"digits behind the point in delays of less than 100 s", .max = 6),
	ROW(CHOICE, "info_log_address_format", info_log_address_format, "external",
		"local parts in the log: external, quoted where mail has them quoted; internal, without quotes",
		.choices = address_words),
	ROW(LIST, "inet_protocols", inet_protocols, "all",
		"address families to look up and connect to: all, ipv4, ipv6"),
	ROW(LIST, "inet_interfaces", inet_interfaces, "all",
		"own addresses or names, all, loopback-only: an MX that leads there is a mail loop; and one of a "
		"family, not of this host only, is the one to connect from"),
	ROW(LIST, "proxy_interfaces", proxy_interfaces, "",
		"further addresses or names by which mail reaches this host, through a proxy or translation"),
	ROW(TEXT, "best_mx_transport", best_mx_transport, "",
		"transport, or transport:nexthop, of mail whose best mail exchanger is this host; empty: it is "
		"returned"),
	ROW(FLAG, "disable_dns_lookups", disable_dns_lookups, "no",
		"ask no DNS: hosts are in the hosts file; use dns_support_level instead"),
	ROW(FLAG, "ignore_mx_lookup_error", ignore_mx_lookup_error, "no",
		"when the MX lookup fails, mail goes to the domain's own address"),
	ROW(LIST, "use_srv_lookup", use_srv_lookup, "",
		"services, as submission, whose hosts are found by SRV records"),
	ROW(FLAG, "ignore_srv_lookup_error", ignore_srv_lookup_error, "no",
		"when the SRV lookup fails, go on without SRV"),
	ROW(FLAG, "allow_srv_lookup_fallback", allow_srv_lookup_fallback, "no",
		"when SRV gives no address, go on without SRV"),
	ROW(TEXT, "dnssec_probe", dnssec_probe, "ns:.",
		"type:name of a signed record, asked for once to see whether answers are validated; empty: never"),
	ROW(FLAG, "enable_idna2003_compatibility", enable_idna2003_compatibility, "no",
		"map four characters of domain names as the old standard did"),
	ROW(LIST, "known_tcp_ports", known_tcp_ports,
		"lmtp=24, smtp=25, smtps=submissions=465, submission=587",
		"ports by name, ahead of /etc/services"),
	ROW(LIST, "debug_peer_list", debug_peer_list, "",
		"nexthops, hosts, addresses and networks with which every conversation is logged"),
	ROW(LIST, "parent_domain_matches_subdomains", parent_domain_matches_subdomains,
		"debug_peer_list, fast_flush_domains, mynetworks, permit_mx_backup_networks, "
		"qmqpd_authorized_clients, relay_domains, smtpd_access_maps",
		"lists in which a domain stands for its sub-domains too"),
	ROW(COUNT, "debug_peer_level", debug_peer_level, "2",
		"1: commands and replies; 2: what the server offers too", .min = 1),
	ROW(FLAG, "send_cyrus_sasl_authzid", send_cyrus_sasl_authzid, "no",
		"a login names the user as authorisation identity too"),
	ROW(TEXT, "sasl_secret_directory", sasl_secret_directory, "",
		"where the files lie that a password table names as file:NAME; empty: no such files"),
	ROW(SIZE, "tcp_windowsize", tcp_windowsize, "0",
		"socket buffers of TCP connections in bytes; 0: the system's", .max = 1 << 30),
	ROW(FLAG, "disable_mime_output_conversion", disable_mime_output_conversion, "no",
		"send 8-bit content as it is to servers that have not announced 8BITMIME"),
	ROW(FLAG, "smtputf8_enable", smtputf8_enable, "yes",
		"use SMTPUTF8, for addresses and headers in UTF-8 (RFC 6531)"),
	ROW(LIST, "smtputf8_autodetect_classes", smtputf8_autodetect_classes, "sendmail, verify",
		"origins of mail that is looked through for UTF-8, which makes it need SMTPUTF8"),
	ROW(SIZE, "mime_boundary_length_limit", mime_boundary_length_limit, "2048",
		"bytes of a multipart's boundary that are compared", .min = 1, .max = MEBIBYTE),
	ROW(COUNT, "mime_nesting_limit", mime_nesting_limit, "100",
		"multiparts within each other that are followed", .min = 1, .max = 10000),
	ROW(SIZE, "header_size_limit", header_size_limit, "102400",
		"bytes of a header field that are looked at when content is rewritten", .min = 1,
		.max = 64 * MEBIBYTE),
	ROW(SIZE, "line_length_limit", line_length_limit, "2048",
		"bytes of a body line that body_checks see at once", .min = 1, .max = MEBIBYTE),
	ROW(DURATION, "connection_cache_ttl_limit", connection_cache_ttl_limit, "2s",
		"most that connection_cache_time_limit can be"),
	ROW(DURATION, "connection_cache_protocol_timeout", connection_cache_protocol_timeout, "5s",
		"how long a kept connection may take to be given back when its place is wanted", .min = 1000),
};

static const struct option_row queue_rows[] = {
	ROW(DURATION, "minimal_backoff_time", minimal_backoff_time, "300s",
		"shortest time between two attempts for a message", .min = 1),
	ROW(DURATION, "maximal_backoff_time", maximal_backoff_time, "4000s",
		"longest time between two attempts for a message", .min = 1),
	ROW(DURATION, "maximal_queue_lifetime", maximal_queue_lifetime, "5d",
		"age at which a message that cannot be delivered is returned; 0: after one attempt",
		.max = 90LL * DAY),
	ROW(DURATION, "bounce_queue_lifetime", bounce_queue_lifetime, "5d",
		"the same for messages with the null sender, of which at most the postmaster is then told",
		.max = 90LL * DAY),
	ROW(DURATION, "delay_warning_time", delay_warning_time, "0s",
		"age at which the sender is told that a message is late; 0: never"),
	ROW(SIZE, "message_size_limit", message_size_limit, "50 MiB",
		"largest message taken in, in bytes; 0: no limit"),
	ROW(COUNT, "active_limit", active_limit, "20000", "messages whose recipients are held in memory",
		.min = 1, .max = 10000000),
	ROW(COUNT, "recipient_limit", recipient_limit, "100000", "recipients of one message", .min = 1,
		.max = 10000000),
	ROW(COUNT, "owner_limit", owner_limit, "0",
		"messages of one user in the queue, whose further files wait; 0: no limit", .max = 10000000),
	ROW(COUNT, "hopcount_limit", hopcount_limit, "50",
		"Received fields that make a message a mail loop", .min = 1, .max = 10000),
	ROW(SIZE, "minimum_free", minimum_free, "0",
		"free space below which nothing is taken in; 0: 64 MiB or 1 % of the disk, if that is less"),
};

static const struct option_row resolver_rows[] = {
	ROW(LIST, "servers", resolver_servers, "",
		"name servers, addr or addr@port; empty: those of resolv.conf"),
	ROW(TEXT, "trust_anchor_file", resolver_trust_anchor_file, SETTINGS_TRUST_ANCHOR_FILE,
		"DNSSEC root keys; by default those of dns-root-data where it is installed"),
	ROW(TEXT, "hosts_file", resolver_hosts_file, SETTINGS_HOSTS_FILE, "names that are not asked of the DNS"),
};

static const struct option_row log_rows[] = {
	ROW(TEXT, "to", log_to, "syslog", "syslog, stderr, or file:PATH; by default stderr with -f"),
	ROW(CHOICE, "format", log_format, "text", "text lines, or one JSON object a line",
		.choices = format_words),
	ROW(TEXT, "facility", log_facility, "mail", "syslog facility"),
	ROW(TEXT, "name", log_name, "causeway",
		"first word of each line; postfix for log readers that look for it"),
};

static const struct option_row events_rows[] = {
	ROW(TEXT, "file", events_file, "", "file to which each event is appended as a line of JSON; empty: none"),
	ROW(TEXT, "socket", events_socket, "", "UNIX socket whose readers get the same lines; empty: none"),
};

static const struct option_row control_rows[] = {
	ROW(TEXT, "socket", control_socket, RUNSTATEDIR "/causeway/control",
		"UNIX socket on which causewayctl talks to the daemon"),
	ROW(TEXT, "http", control_http, "", "addr:port for metrics and the state of health; empty: none"),
};

const struct settings_section settings_sections[] = {
	{ "", "", top_rows, COUNT(top_rows) },
	{ "queue", "", queue_rows, COUNT(queue_rows) },
	{ "resolver", "resolver_", resolver_rows, COUNT(resolver_rows) },
	{ "log", "log_", log_rows, COUNT(log_rows) },
	{ "events", "events_", events_rows, COUNT(events_rows) },
	{ "control", "control_", control_rows, COUNT(control_rows) },
};
const size_t settings_section_count = COUNT(settings_sections);

static const struct option_row transport_rows[] = {
	ROW_OF(settings_transport, TEXT, "nexthop", nexthop, "",
		"where the transport leads if the route does not say"),
	ROW_OF(settings_transport, TEXT, "flags", flags, "",
		"D Delivered-To, O X-Original-To, R Return-Path, X final delivery"),
};
const struct settings_section settings_transport_section = { "transport", "", transport_rows,
	COUNT(transport_rows) };

static const struct option_row pickup_rows[] = {
	ROW_OF(settings_pickup, CHOICE, "format", form, "auto", "auto, bsmtp, or eml", .choices = form_words),
	ROW_OF(settings_pickup, TEXT, "bad", bad, "",
		"where refused files go; by default drop/bad in the spool"),
	ROW_OF(settings_pickup, DURATION, "settle_time", settle_time, "10s",
		"how long a file that was not seen closed must stay unchanged"),
};
const struct settings_section settings_pickup_section = { "pickup", "", pickup_rows, COUNT(pickup_rows) };

const struct settings_alias settings_aliases[] = {
	{ "queue.active_limit", "qmgr_message_active_limit" },
	{ "queue.minimum_free", "queue_minfree" },
	{ "log.facility", "syslog_facility" },
	{ "log.name", "syslog_name" },
};
const size_t settings_alias_count = COUNT(settings_aliases);
