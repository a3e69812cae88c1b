/* The top-level rows about TLS: what all transports share. */
#include "settings/settings.h"
#include "settings/settings_rows.h"

#define ROW(kind_, name_, member, initial_, ...) \
	{ .name = name_, .kind = OPTION_##kind_, .offset = offsetof(struct settings, tls.member), \
	  .initial = initial_, .help = __VA_ARGS__ }

static const struct option_row rows[] = {
	ROW(TEXT, "tls_high_cipherlist", high_cipherlist,
		"aNULL:-aNULL:HIGH:!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5:@STRENGTH",
		"ciphers of grade high"),
	ROW(TEXT, "tls_medium_cipherlist", medium_cipherlist,
		"aNULL:-aNULL:HIGH:MEDIUM:!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5:+RC4:@STRENGTH",
		"ciphers of grade medium"),
	ROW(TEXT, "tls_null_cipherlist", null_cipherlist, "eNULL:!kDH:!kECDH:!aDSS:!MD5:!aNULL",
		"ciphers without encryption"),
	ROW(LIST, "tls_eecdh_auto_curves", eecdh_auto_curves, "X25519 X448 prime256v1 secp384r1 secp521r1",
		"curves for key exchange, the preferred one first"),
	ROW(LIST, "tls_ffdhe_auto_groups", ffdhe_auto_groups, "ffdhe2048 ffdhe3072",
		"further groups for key exchange"),
	ROW(LIST, "tls_disable_workarounds", disable_workarounds, "", "OpenSSL work-arounds to switch off"),
	ROW(LIST, "tls_ssl_options", ssl_options, "", "OpenSSL options to switch on"),
	ROW(TEXT, "tls_config_file", config_file, "default", "OpenSSL's configuration: default, none, or a path"),
	ROW(TEXT, "tls_config_name", config_name, "", "section of that file"),
	ROW(FLAG, "tls_append_default_CA", append_default_ca, "no", "trust the system's authorities too"),
	ROW(FLAG, "tls_fast_shutdown_enable", fast_shutdown_enable, "yes",
		"do not wait for the peer's close notice"),
	ROW(LIST, "tls_dane_digests", dane_digests, "sha512 sha256",
		"digests for TLSA records, the best one first"),
	ROW(FLAG, "tls_required_enable", required_enable, "yes", "honour TLS-Required: no (RFC 8689)"),
	ROW(FLAG, "requiretls_enable", requiretls_enable, "yes", "honour REQUIRETLS (RFC 8689)"),
	ROW(FLAG, "requiretls_esmtp_header", requiretls_esmtp_header, "yes",
		"carry REQUIRETLS through content filters in the field Require-TLS-ESMTP"),
};
const struct settings_section settings_tls_section = { "", "", rows, sizeof rows / sizeof *rows };
