"""What a parameter may hold: causewayd -t takes the value, or names file, line and parameter."""

import os
import subprocess

from harness import same

BAD = 78        # EX_CONFIG

# parameter, value, and words of the complaint; "": it is good
VALUES = [
    # words that must be one of some
    ("smtp_address_preference", "ipv5", "not one of the words"),
    ("smtp_dns_support_level", "some", "not one of the words"),
    ("smtp_dns_support_level", "", ""),
    ("smtp_tls_security_level", "halfdane", "not one of the words"),
    ("smtp_tls_security_level", "", ""),
    ("smtp_tls_dane_insecure_mx_policy", "secure", "not one of the words"),
    ("smtp_address_verify_target", "mail", "not one of the words"),
    ("smtp_tls_mandatory_ciphers", "strong", "not one of the words"),
    ("smtp_tls_ciphers", "export", ""),
    ("info_log_address_format", "quoted", "not one of the words"),
    ("header_from_format", "new", "not one of the words"),
    ("smtp_host_lookup", "dns, files", "'files' is none of dns, native"),
    ("smtp_host_lookup", "", "is empty"),
    ("inet_protocols", "ipv5", "none of all, ipv4, ipv6"),
    ("smtp_dns_resolver_options", "res_debug", "none of res_defnames, res_dnsrch"),
    ("notify_classes", "bounce, nonsense", "'nonsense' is none of"),
    ("notify_classes", "", ""),
    ("propagate_unmatched_extensions", "all", "'all' is none of"),
    ("smtputf8_autodetect_classes", "sendmail, qmqpd", ""),
    ("smtputf8_autodetect_classes", "mail", "'mail' is none of"),
    ("internal_mail_filter_classes", "report", "none of bounce, notify"),
    # words nobody knows are passed over in these, with a warning
    ("smtp_pix_workarounds", "nonsense", ""),
    ("smtp_discard_ehlo_keywords", "nonsense", ""),
    # numbers and times
    ("debug_peer_level", "0", "less than"),
    ("delay_logging_resolution_limit", "7", "more than"),
    ("delay_logging_resolution_limit", "6", ""),
    ("smtp_line_length_limit", "0", ""),
    ("smtp_min_data_rate", "0", "less than"),
    ("max_use", "0", ""),
    *[(name, "0", "less than") for name in (
        "ipc_timeout", "daemon_timeout", "queue_run_delay", "connection_cache_protocol_timeout",
        "smtp_helo_timeout",
        "lmtp_lhlo_timeout", "smtp_mail_timeout", "smtp_rcpt_timeout", "smtp_data_init_timeout",
        "smtp_data_xfer_timeout",
        "smtp_data_done_timeout", "smtp_rset_timeout", "smtp_quit_timeout", "smtp_xforward_timeout",
        "smtp_starttls_timeout", "smtp_connection_cache_time_limit", "smtp_connection_reuse_time_limit",
        "smtp_pix_workaround_delay_time", "tls_daemon_random_bytes")],
    ("smtp_connect_timeout", "0", ""),
    ("smtp_pix_workaround_threshold_time", "0", ""),
    ("smtp_tls_session_cache_timeout", "0", ""),
    ("smtp_tls_session_cache_timeout", "101d", "more than"),
    ("smtp_sasl_auth_cache_time", "0", ""),
    ("smtp_destination_concurrency_limit", "-1", "not a number"),
    # texts that must say something, and how much
    ("smtp_helo_name", "", "must not be empty"),
    ("lmtp_lhlo_name", "", "must not be empty"),
    ("error_notice_recipient", "", "must not be empty"),
    ("error_notice_recipient", "post master", "is not an address"),
    ("bounce_notice_recipient", "a@b@c", "is not an address"),
    ("2bounce_notice_recipient", "", "must not be empty"),
    ("delay_notice_recipient", "postmaster@example.org", ""),
    ("tls_high_cipherlist", "", "must not be empty"),
    ("tls_medium_cipherlist", "", "must not be empty"),
    ("tls_null_cipherlist", "", "must not be empty"),
    ("smtp_sasl_password_result_delimiter", "", "must be one character"),
    ("smtp_sasl_password_result_delimiter", "::", "must be one character"),
    ("smtp_sasl_password_result_delimiter", "|", ""),
    ("syslog_name", "", "must be one word"),
    ("syslog_facility", "post", "no such syslog facility"),
    ("compatibility_level", "99", "above 3.12"),
    ("compatibility_level", "new", "not a level"),
    ("compatibility_level", "3.6", ""),
    # what is set by nobody
    *[(name, "x", "is read-only") for name in ("process_id", "process_name", "service_name")],
    # addresses, ports, names of hosts
    ("smtp_bind_address", "192.0.2", "not an IPv4 address"),
    ("smtp_bind_address", "[127.0.0.1]", ""),
    ("smtp_bind_address", "::1", "not an IPv4 address"),
    ("smtp_bind_address6", "[::1]", ""),
    ("smtp_bind_address6", "127.0.0.1", "not an IPv6 address"),
    ("smtp_tcp_port", "nosuchservice", "no port or service"),
    ("smtp_tcp_port", "0", "no port or service"),
    ("smtp_tcp_port", "65536", "no port or service"),
    ("lmtp_tcp_port", "nosuchservice", "no port or service"),
    ("smtp_tcp_port", "submission", ""),
    ("relayhost", "[mx.test]:nosuchservice", "no such port or service"),
    ("relayhost", "mx.test:submissions", ""),
    ("smtp_fallback_relay", "[a.test]:587, b.test:nosuchservice", "bad nexthop 'b.test:nosuchservice'"),
    ("lmtp_fallback_relay", "inet:a.test", "no such port or service"),
    ("lmtp_fallback_relay", "a.test, [127.0.0.1]:2424", ""),
    ("known_tcp_ports", "smtp=25=x", "not a list of"),
    ("known_tcp_ports", "smtp=25, smtp=26", "twice"),
    ("dnssec_probe", "nonsense", "type:name"),
    ("dnssec_probe", "", ""),
    # tables and match lists
    ("smtp_reply_filter", "inline:{a=b}, inline:{c=d}", "inline:{key=value"),
    ("smtp_reply_filter", "inline:{{a b = c}}", ""),
    ("smtp_generic_maps", "hash:/etc/generic", "no lookup table type"),
    ("smtp_header_checks", "regexp:/no/such/file", "/no/such/file"),
    ("debug_peer_list", "!127.0.0.1, 127.0.0.0/8", ""),
    ("debug_peer_list", "/no/such/file", "/no/such/file"),
    ("debug_peer_list", "127.0.0.1/8", "127.0.0.1/8"),
    ("smtp_connection_cache_destinations", "/no/such/socket, a.test, static:all", ""),
    # TLS
    ("smtp_tls_exclude_ciphers", "!aNULL", "no cipher to be excluded"),
    ("smtp_tls_mandatory_exclude_ciphers", "aNULL -eNULL", "no cipher to be excluded"),
    ("smtp_tls_protocols", "TLSv9", "no TLS protocol"),
    ("smtp_tls_protocols", "", ""),
    ("smtp_tls_mandatory_protocols", ">=0304", ""),
    ("smtp_tls_fingerprint_digest", "crc32", "no digest"),
    ("tls_config_file", "openssl.cnf", "not default, none, or a path"),
    ("tls_config_file", "/no/such/file", "cannot read '/no/such/file'"),
    ("tls_config_file", "none", ""),
    ("smtp_tls_servername", "two words", "not a host name"),
    ("smtp_tls_servername", "nexthop", ""),
    ("smtp_tls_CAfile", "/no/such/file", "/no/such/file"),
    ("smtp_tls_trust_anchor_file", "/no/such/file", "/no/such/file"),
    # of the other protocol
    ("lmtp_tls_dane_insecure_mx_policy", "may", "unknown option"),
    ("lmtp_helo_name", "a", "unknown option"),
    ("smtp_lhlo_name", "a", "unknown option"),
    ("nosuch_destination_concurrency_limit", "3", "unknown option"),
    # logging in needs passwords
    ("smtp_sasl_auth_enable", "yes", "needs a table of passwords"),
]


def checked(t, text):
    """The status of causewayd -t, and what it says."""
    path = t.path("checked")
    with open(path, "w") as file:
        file.write(
            "myhostname = causeway.test\nspool_directory = %s\ncontrol { socket = %s }\nuser = nobody\n%s\n"
                   % (t.path("spool"), t.path("control"), text))
    done = subprocess.run([t.options.program("causewayd"), "-t", "-c", path], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout + done.stderr, path


def test_values(t):
    """parameters compatibility_level, error_notice_recipient, header_from_format,
    internal_mail_filter_classes, queue_run_delay, tls_daemon_random_bytes, tls_medium_cipherlist and
    tls_null_cipherlist"""
    for name, value, complaint in VALUES:
        status, said, path = checked(t, "%s = '%s'" % (name, value))
        same(status, BAD if complaint else 0, "%s = '%s': %s" % (name, value, said))
        if complaint:
            assert said.startswith("%s:5: %s" % (path, name)) and complaint in said, said
    assert not os.path.exists(t.path("spool"))
