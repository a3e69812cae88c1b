/*
 * THE option table of smtp {} and lmtp {}: one line a parameter, in the order of struct manner. Defaults,
 * bounds and who knows a parameter follow smtp(8); two lines of one name hold two protocols' defaults of
 * one member.
 */
#include "talk/manner.h"

#include <limits.h>
#include <stddef.h>

#define ROW(kind_, who, name_, member, initial_, ...) \
	{ .name = name_, .kind = OPTION_##kind_, .offset = offsetof(struct manner, member), .initial = initial_, \
	  .use = MANNER_##who, __VA_ARGS__ }
#define PLAIN(kind, who, member, initial, ...) ROW(kind, who, #member, member, initial, .help = __VA_ARGS__)
#define TEXT(...) PLAIN(TEXT, __VA_ARGS__)
#define LIST(...) PLAIN(LIST, __VA_ARGS__)
#define FLAG(...) PLAIN(FLAG, __VA_ARGS__)
#define BOUNDED(kind, who, member, initial, least, most, ...) \
	ROW(kind, who, #member, member, initial, .min = least, .max = most, .help = __VA_ARGS__)
#define COUNT(...) BOUNDED(COUNT, __VA_ARGS__)
#define SIZE(...) BOUNDED(SIZE, __VA_ARGS__)
#define TIME(...) BOUNDED(DURATION, __VA_ARGS__)
#define CHOICE(who, member, initial, words, ...) \
	ROW(CHOICE, who, #member, member, initial, .choices = words, .help = __VA_ARGS__)

#define SECOND 1000   /* the least time for a peer to answer in */
#define DAY (24 * 60 * 60 * SECOND)
#define EVER (INT_MAX * INT64_C(1000))

static const char *const tls_levels[] = {
	"none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure", "", NULL
};
static const char *const families[] = { "any", "ipv4", "ipv6", NULL };
static const char *const verify_targets[] = { "rcpt", "data", NULL };
static const char *const utf8_headers[] = { "strict", "deliver", "downgrade", NULL };
static const char *const dns_levels[] = { "", "disabled", "enabled", "dnssec", NULL };
static const char *const insecure_mx[] = { "may", "encrypt", "dane", NULL };
static const char *const grades[] = { "high", "medium", "low", "export", "null", NULL };

static const struct option_row rows[] = {
	/* the queue's limits for a destination */
	COUNT(BOTH, initial_destination_concurrency, "5", 1, INT_MAX, "connections to a destination at first"),
	COUNT(BOTH, destination_concurrency_limit, "20", 0, INT_MAX, "most connections to a destination; 0: any"),
	COUNT(BOTH, destination_recipient_limit, "50", 0, INT_MAX, "most recipients of a transaction; 0: any"),
	TIME(BOTH, destination_rate_delay, "0s", 0, EVER, "pause between two messages to a destination"),
	TEXT(BOTH, destination_concurrency_positive_feedback, "1", "more connections for each success"),
	TEXT(BOTH, destination_concurrency_negative_feedback, "1",
		"fewer connections for each failure of the host"),
	COUNT(BOTH, destination_concurrency_failed_cohort_limit, "1", 0, INT_MAX,
		"windows of failures that make a destination dead; 0: never"),

	/* time limits of the stages */
	TIME(SMTP, connect_timeout, "30s", 0, EVER, "to connect; 0: the system's own limit"),
	TIME(LMTP, connect_timeout, "0s", 0, EVER, "to connect; 0: the system's own limit"),
	TIME(SMTP, helo_timeout, "300s", SECOND, EVER, "for the greeting, EHLO or HELO, and AUTH"),
	ROW(DURATION, LMTP, "lhlo_timeout", helo_timeout, "300s", .min = SECOND, .max = EVER,
		.help = "for the greeting, LHLO and AUTH"),
	TIME(BOTH, starttls_timeout, "300s", SECOND, EVER, "for STARTTLS and the TLS handshake"),
	TIME(BOTH, xforward_timeout, "300s", SECOND, EVER, "for each XFORWARD"),
	TIME(BOTH, mail_timeout, "300s", SECOND, EVER, "for MAIL FROM"),
	TIME(BOTH, rcpt_timeout, "300s", SECOND, EVER, "for each RCPT TO"),
	TIME(BOTH, data_init_timeout, "120s", SECOND, EVER, "for DATA"),
	TIME(BOTH, data_xfer_timeout, "180s", SECOND, EVER, "for each write of content"),
	TIME(BOTH, data_done_timeout, "600s", SECOND, EVER, "for the replies to the final dot"),
	TIME(BOTH, rset_timeout, "20s", SECOND, EVER, "for RSET"),
	TIME(BOTH, quit_timeout, "300s", SECOND, EVER, "for QUIT"),
	FLAG(BOTH, per_request_deadline, "no", "time limits are for a whole command with its reply"),
	FLAG(BOTH | MANNER_OBSOLETE, per_record_deadline, "no", "use per_request_deadline"),
	COUNT(BOTH, min_data_rate, "500", 1, INT_MAX, "bytes a second below which a deadline runs down"),

	/* finding and connecting to hosts */
	TEXT(SMTP, tcp_port, "smtp", "port where the nexthop names none"),
	TEXT(LMTP, tcp_port, "24", "port where the nexthop names none"),
	LIST(SMTP, fallback_relay, "$fallback_relay", "destinations to try when the nexthop fails"),
	LIST(LMTP, fallback_relay, "", "destinations to try when the nexthop fails (TCP only)"),
	TEXT(BOTH, bind_address, "", "own IPv4 address to connect from"),
	TEXT(BOTH, bind_address6, "", "own IPv6 address to connect from"),
	FLAG(BOTH, bind_address_enforce, "no", "never connect from another address than that"),
	LIST(BOTH, host_lookup, "dns", "how names become addresses: dns, native, or both"),
	LIST(BOTH, dns_resolver_options, "", "res_defnames, res_dnsrch: complete short host names"),
	LIST(BOTH, dns_reply_filter, "", "tables that make DNS records be ignored"),
	CHOICE(BOTH, dns_support_level, "", dns_levels, "disabled, enabled, or dnssec for validated answers"),
	CHOICE(BOTH, address_preference, "any", families, "address family that is tried first"),
	FLAG(BOTH, randomize_addresses, "yes", "take addresses of equal preference in random order"),
	FLAG(BOTH, balance_inet_protocols, "yes", "let mx_address_limit leave addresses of both families"),
	FLAG(BOTH, defer_if_no_mx_address_found, "no", "retry when no MX host has an address"),
	FLAG(BOTH, cname_overrides_servername, "no", "call a host by the name that its alias stands for"),
	COUNT(BOTH, mx_address_limit, "5", 0, INT_MAX, "most addresses tried in one attempt; 0: all"),
	COUNT(BOTH, mx_session_limit, "2", 0, INT_MAX, "most hosts spoken to in one attempt; 0: all"),

	/* keeping connections */
	LIST(BOTH, connection_cache_destinations, "", "destinations whose connections are always kept"),
	FLAG(BOTH, connection_cache_on_demand, "yes", "keep connections while there is mail for them"),
	TIME(BOTH, connection_cache_time_limit, "2s", SECOND, EVER, "how long an idle connection is kept"),
	TIME(BOTH, connection_reuse_time_limit, "300s", SECOND, EVER, "age from which it is not used again"),
	COUNT(BOTH, connection_reuse_count_limit, "0", 0, INT_MAX, "how often it is used again; 0: any"),
	FLAG(LMTP | MANNER_OBSOLETE, cache_connection, "yes", "use connection_cache_on_demand"),

	/* greeting and capabilities */
	TEXT(SMTP, helo_name, "$myhostname", "name given with EHLO and HELO"),
	ROW(TEXT, LMTP, "lhlo_name", helo_name, "$myhostname", .help = "name given with LHLO"),
	LIST(SMTP, discard_ehlo_keywords, "", "EHLO keywords taken as not announced"),
	ROW(LIST, LMTP, "discard_lhlo_keywords", discard_ehlo_keywords, "",
		.help = "LHLO keywords taken as not announced"),
	LIST(SMTP, discard_ehlo_keyword_address_maps, "", "the same by server address, from tables"),
	ROW(LIST, LMTP, "discard_lhlo_keyword_address_maps", discard_ehlo_keyword_address_maps, "",
		.help = "the same by server address or socket path, from tables"),
	FLAG(SMTP, always_send_ehlo, "yes", "send EHLO whatever the greeting says"),
	FLAG(SMTP, never_send_ehlo, "no", "send HELO only"),
	FLAG(SMTP | MANNER_OBSOLETE, skip_4xx_greeting, "yes",
		"nothing replaces it: a 4xx greeting always leads to the next host"),
	FLAG(BOTH, skip_5xx_greeting, "yes", "take a 5xx greeting as a trouble of that host only"),
	TEXT(BOTH, reply_filter, "", "table that replaces lines of replies"),

	/* the transaction and its end */
	FLAG(BOTH, quote_rfc821_envelope, "yes", "send unusual local parts in quotes, as RFC 5321 asks"),
	FLAG(BOTH, send_xforward_command, "no", "tell the server about the original client"),
	FLAG(BOTH, pipeline_transactions, "no", "send the next message's commands behind a content"),
	FLAG(BOTH, chunking, "no", "send content by BDAT where the server offers CHUNKING"),
	FLAG(BOTH, send_dummy_mail_auth, "no", "add AUTH=<> to MAIL FROM after authentication"),
	FLAG(SMTP, skip_quit_response, "yes", "close without waiting for the answer to QUIT"),
	FLAG(LMTP, skip_quit_response, "no", "close without waiting for the answer to QUIT"),
	CHOICE(BOTH, address_verify_target, "rcpt", verify_targets, "command whose reply decides a probe"),
	LIST(BOTH, delivery_status_filter, "$default_delivery_status_filter",
		"tables that change the status and text of results"),
	FLAG(LMTP | MANNER_OBSOLETE, assume_final, "no", "use the transport flag X"),

	/* content */
	COUNT(BOTH, line_length_limit, "998", 0, INT_MAX, "longest line of content sent whole; 0: any"),
	CHOICE(SMTP, utf8_headers, "strict", utf8_headers,
		"mail with UTF-8 in nothing but its header, for a server without SMTPUTF8"),
	CHOICE(LMTP, utf8_headers, "deliver", utf8_headers,
		"mail with UTF-8 in nothing but its header, for a server without SMTPUTF8"),
	LIST(BOTH, generic_maps, "", "tables that map addresses on the way out"),
	LIST(BOTH, header_checks, "", "tables that act on header fields on the way out"),
	LIST(BOTH, mime_header_checks, "", "the same for MIME header fields"),
	LIST(BOTH, nested_header_checks, "", "the same for header fields of attached messages"),
	LIST(BOTH, body_checks, "", "the same for body lines"),
	LIST(BOTH, pix_workarounds, "disable_esmtp,delay_dotcrlf", "what to do about a PIX firewall"),
	LIST(BOTH, pix_workaround_maps, "", "the same by server address, from tables"),
	TIME(BOTH, pix_workaround_threshold_time, "500s", 0, EVER, "age of mail that needs delay_dotcrlf"),
	TIME(BOTH, pix_workaround_delay_time, "10s", SECOND, EVER, "how long delay_dotcrlf waits before the dot"),

	/* SASL */
	FLAG(BOTH, sasl_auth_enable, "no", "authenticate to servers that ask for it"),
	FLAG(BOTH, sender_dependent_authentication, "no", "look credentials up by sender first"),
	FLAG(BOTH, sasl_auth_soft_bounce, "yes", "retry when a server refuses the credentials"),
	TEXT(BOTH, sasl_type, "cyrus", "SASL implementation"),
	TEXT(BOTH, sasl_path, "", "no effect: Cyrus SASL takes nothing there from clients"),
	LIST(BOTH, sasl_password_maps, "", "tables with user and password by host or nexthop"),
	TEXT(BOTH, sasl_password_result_delimiter, ":", "what stands between user and password there"),
	LIST(BOTH, sasl_mechanism_filter, "", "mechanisms to use; !name: not to use"),
	LIST(BOTH, sasl_security_options, "noplaintext, noanonymous", "what a mechanism must offer without TLS"),
	LIST(SMTP, sasl_tls_security_options, "$smtp_sasl_security_options", "the same inside TLS"),
	LIST(LMTP, sasl_tls_security_options, "$lmtp_sasl_security_options", "the same inside TLS"),
	LIST(SMTP, sasl_tls_verified_security_options, "$smtp_sasl_tls_security_options",
		"the same inside TLS with a server whose certificate matched"),
	LIST(LMTP, sasl_tls_verified_security_options, "$lmtp_sasl_tls_security_options",
		"the same inside TLS with a server whose certificate matched"),
	TEXT(BOTH, sasl_auth_cache_name, "", "where refused credentials are remembered"),
	TIME(BOTH, sasl_auth_cache_time, "90d", 0, EVER, "for how long; a number without unit is days",
		.unit = DAY),

	/* TLS: how much of it, and for whom */
	CHOICE(SMTP, tls_security_level, "may", tls_levels, "how much TLS a destination needs"),
	CHOICE(LMTP, tls_security_level, "", tls_levels, "how much TLS a destination needs"),
	CHOICE(SMTP, tls_dane_insecure_mx_policy, "dane", insecure_mx, "level for TLSA behind an insecure MX"),
	FLAG(BOTH | MANNER_OBSOLETE, use_tls, "no", "use tls_security_level = may"),
	FLAG(BOTH | MANNER_OBSOLETE, enforce_tls, "no", "use tls_security_level = encrypt or verify"),
	FLAG(BOTH | MANNER_OBSOLETE, tls_enforce_peername, "yes", "use tls_security_level = encrypt or verify"),
	LIST(BOTH | MANNER_OBSOLETE, tls_per_site, "", "use tls_policy_maps"),
	LIST(BOTH, tls_policy_maps, "", "tables with the TLS policy of nexthops"),
	FLAG(BOTH, tls_wrappermode, "no", "start with TLS, without STARTTLS"),
	FLAG(BOTH, tls_connection_reuse, "no", "no effect: TLS connections are always kept like others"),
	FLAG(BOTH, tls_enable_rpk, "no", "accept raw public keys"),
	FLAG(BOTH, tls_block_early_mail_reply, "no", "leave a server that answers MAIL FROM too early"),
	FLAG(BOTH, tls_force_insecure_host_tlsa_lookup, "no", "look up TLSA of hosts with insecure addresses"),
	FLAG(BOTH, tls_enforce_sts_mx_patterns, "yes", "use only MX hosts that the MTA-STS policy names"),
	LIST(SMTP, requiretls_policy,
		"inline:{{${domain_to_ascii{$mydomain}}=opportunistic}, "
		"{.${domain_to_ascii{$mydomain}}=opportunistic}, {localhost=opportunistic}}, "
		"cidr:{{0.0.0.0/0 opportunistic}, {::/0 opportunistic}}, enforce",
		"how strictly REQUIRETLS is applied, by nexthop"),
	LIST(LMTP, requiretls_policy, "opportunistic", "how strictly REQUIRETLS is applied, by nexthop"),

	/* TLS: protocols and ciphers */
	LIST(BOTH, tls_protocols, ">=TLSv1", "protocols at level may"),
	LIST(BOTH, tls_mandatory_protocols, ">=TLSv1", "protocols at the stricter levels"),
	CHOICE(BOTH, tls_ciphers, "medium", grades, "cipher grade at level may"),
	CHOICE(BOTH, tls_mandatory_ciphers, "medium", grades, "cipher grade at the stricter levels"),
	LIST(BOTH, tls_exclude_ciphers, "", "ciphers never to use"),
	LIST(BOTH, tls_mandatory_exclude_ciphers, "", "more of them at the stricter levels"),
	TEXT(SMTP | MANNER_OBSOLETE, tls_cipherlist, "", "use tls_ciphers and tls_mandatory_ciphers"),

	/* TLS: whom to believe */
	ROW(TEXT, BOTH, "tls_CAfile", tls_cafile, "", .help = "file of trusted CA certificates"),
	ROW(TEXT, BOTH, "tls_CApath", tls_capath, "", .help = "directory of trusted CA certificates"),
	LIST(BOTH, tls_trust_anchor_file, "", "files of trust anchors, in place of the CAs"),
	TEXT(BOTH, tls_servername, "", "name asked for (SNI): a name, hostname or nexthop"),
	LIST(BOTH, tls_verify_cert_match, "hostname", "names that a certificate must match at level verify"),
	LIST(SMTP, tls_secure_cert_match, "nexthop, dot-nexthop", "the same at level secure"),
	LIST(LMTP, tls_secure_cert_match, "nexthop", "the same at level secure"),
	LIST(BOTH, tls_fingerprint_cert_match, "", "digests allowed at level fingerprint"),
	TEXT(BOTH, tls_fingerprint_digest, "sha256", "how they are made"),
	COUNT(BOTH, tls_scert_verifydepth, "9", 0, 100, "longest chain of certificates"),

	/* TLS: who we are */
	LIST(BOTH, tls_chain_files, "", "own keys, each followed by its certificates"),
	TEXT(BOTH, tls_cert_file, "", "own RSA certificates"),
	TEXT(SMTP, tls_key_file, "$smtp_tls_cert_file", "key of these"),
	TEXT(LMTP, tls_key_file, "$lmtp_tls_cert_file", "key of these"),
	TEXT(BOTH, tls_eccert_file, "", "own ECDSA certificates"),
	TEXT(SMTP, tls_eckey_file, "$smtp_tls_eccert_file", "key of these"),
	TEXT(LMTP, tls_eckey_file, "$lmtp_tls_eccert_file", "key of these"),
	TEXT(BOTH, tls_dcert_file, "", "own DSA certificates"),
	TEXT(SMTP, tls_dkey_file, "$smtp_tls_dcert_file", "key of these"),
	TEXT(LMTP, tls_dkey_file, "$lmtp_tls_dcert_file", "key of these"),

	/* TLS: sessions, logs and reports */
	TEXT(BOTH, tls_session_cache_database, "", "any value: TLS sessions are resumed"),
	TIME(BOTH, tls_session_cache_timeout, "3600s", 0, 8640000 * INT64_C(1000), "for how long"),
	LIST(BOTH, tls_loglevel, "0", "what is logged about TLS: 0 to 4, or names"),
	LIST(BOTH, tls_loglevel_maps, "", "the same by host, its parent domains, or address, from tables"),
	SIZE(BOTH, tls_trace_size_limit, "102400", 0, INT_MAX, "no effect: no traces are written"),
	FLAG(BOTH, tls_note_starttls_offer, "no", "log a STARTTLS offer that is not taken"),
	FLAG(BOTH, log_tls_feature_status, "yes", "show tls= in the log lines of deliveries"),
	FLAG(BOTH, tlsrpt_enable, "no", "no effect but a warning: TLSRPT is not built in"),
	TEXT(BOTH, tlsrpt_socket_name, "", "no effect: TLSRPT is not built in"),
	FLAG(BOTH, tlsrpt_skip_reused_handshakes, "no", "no effect: TLSRPT is not built in"),
};

const struct option_row *manner_rows(size_t *count)
{
	*count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}
