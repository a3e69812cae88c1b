/*
 * Parameters at the top level that no process reads from struct settings: they are part of another's value or
 * default, act while the file is read, or have no effect here. They are read, checked for their form, and
 * shown. Each row describes a union settings_other of its own (offset 0).
 */
#include "settings/settings_rows.h"

#define ROW(kind_, name_, initial_, ...) \
	{ .name = name_, .kind = OPTION_##kind_, .initial = initial_, .help = __VA_ARGS__ }

static const char *const on_words[] = { "on", "off", "maybe", NULL };

const struct option_row settings_other_rows[] = {
	ROW(LIST, "fallback_relay", "", "use smtp_fallback_relay", .use = ROWS_OBSOLETE),
	/* limits per destination, for every transport */
	ROW(COUNT, "initial_destination_concurrency", "5", "connections to one destination at first",
		.min = 1),
	ROW(COUNT, "default_destination_concurrency_limit", "20", "connections to one destination"),
	ROW(COUNT, "default_destination_recipient_limit", "50", "recipients of one transaction"),
	ROW(DURATION, "default_destination_rate_delay", "0s", "pause between two messages to one destination"),
	ROW(TEXT, "default_destination_concurrency_positive_feedback", "1", "more connections for each success"),
	ROW(TEXT, "default_destination_concurrency_negative_feedback", "1",
		"fewer connections for each failure of the host"),
	ROW(COUNT, "default_destination_concurrency_failed_cohort_limit", "1",
		"windows of failures that make one dead"),
	ROW(TEXT, "connection_cache_service_name", "scache",
		"no effect: couriers keep their connections themselves"),
	ROW(TEXT, "cyrus_sasl_config_path", "", "no effect: libsasl2 has files for servers only"),
	ROW(DURATION, "queue_run_delay", "300s", "no effect: a message is tried when it is due", .min = 1000),
	/* content */
	ROW(LIST, "internal_mail_filter_classes", "",
		"no effect: the queue filters nothing, and header_checks see own messages like all others"),
	/* what the postmaster is told */
	ROW(TEXT, "double_bounce_sender", "double-bounce",
		"no effect: notices have no sender, so that none can be made about them"),
	ROW(TEXT, "tls_low_cipherlist", "", "use tls_medium_cipherlist", .use = ROWS_OBSOLETE),
	ROW(TEXT, "tls_export_cipherlist", "", "use tls_medium_cipherlist", .use = ROWS_OBSOLETE),
	ROW(SIZE, "tls_daemon_random_bytes", "32", "no effect: OpenSSL seeds itself from the kernel", .min = 1),
	ROW(CHOICE, "tls_dane_digest_agility", "on", "use tls_dane_digests", .choices = on_words,
		.use = ROWS_OBSOLETE),
	ROW(FLAG, "tls_dane_trust_anchor_digest_enable", "yes", "use tls_dane_digests",
		.use = ROWS_OBSOLETE),
	ROW(COUNT, "tls_trace_rate_limit", "1", "no effect: no traces are written"),
	ROW(TEXT, "tlsmgr_service_name", "tlsmgr", "no effect: there is no such process"),
	ROW(TEXT, "tlsproxy_service_name", "tlsproxy", "no effect: there is no such process"),
	/* of the other implementation's installation */
	ROW(TEXT, "config_directory", SYSCONFDIR "/causeway",
		"directory of the configuration file, for use in values"),
	ROW(TEXT, "compatibility_level", "3.11", "below 3.11: older defaults where they changed"),
	ROW(TEXT, "multi_instance_name", "", "for use in the values of others"),
	/* for use in the values of others; in a transport's options the names are those of protocol and
	 * transport */
	ROW(TEXT, "process_id", "0", "number of the daemon's process", .use = ROWS_READ_ONLY),
	ROW(TEXT, "process_name", "causewayd", "name of the program", .use = ROWS_READ_ONLY),
	ROW(TEXT, "service_name", "causewayd", "name of the service", .use = ROWS_READ_ONLY),
};
const size_t settings_other_count = sizeof(settings_other_rows) / sizeof *settings_other_rows;
