/* Policies: what an entry of tls_policy_maps makes of a destination (behaviour L-3 to L-12, T-23, T-24). */
#include "unit.h"

#include <string.h>

#include "talk/tls_log.h"
#include "talk/tls_policy.h"

#include "manner_set.h"

static const struct tls_cipherlists lists = { "HIGH", "HIGH:MEDIUM", "eNULL" };

static struct manner *manner_with(const char *name, const char *value)
{
	struct manner *m = manner_new(PROTOCOL_SMTP);
	const char *why = NULL;

	if (name && !manner_set(m, name, value, &why))
		ck_abort_msg("%s: %s", name, why);
	return m;
}

/* With nexthop example.com and host mx.example.com: "level ciphers protocols names SNI" */
static const struct {
	const char *entry, *seen;
} entries[] = {
	{ "none", "none" },
	{ "may", "may HIGH:MEDIUM >=TLSv1 - -" },
	{ "encrypt", "encrypt HIGH:MEDIUM:!eNULL >=TLSv1 - -" },
	{ "ENCRYPT", "encrypt HIGH:MEDIUM:!eNULL >=TLSv1 - -" },
	{ "secure", "secure HIGH:MEDIUM:!aNULL >=TLSv1 example.com,.example.com -" },
	{ "verify", "verify HIGH:MEDIUM:!aNULL >=TLSv1 mx.example.com -" },
	{ "dane", "dane HIGH:MEDIUM:!aNULL >=TLSv1 !SSLv2 !SSLv3 - -" },
	{ "dane-only ciphers=high", "dane-only HIGH:!aNULL >=TLSv1 !SSLv2 !SSLv3 - -" },
	{ "secure match=nexthop:.x.test:b\303\274cher.test",
		"secure HIGH:MEDIUM:!aNULL >=TLSv1 example.com,.x.test,"
	  "xn--bcher-kva.test -" },
	{ "secure match=hostname match=dot-nexthop",
		"secure HIGH:MEDIUM:!aNULL >=TLSv1 mx.example.com,.example.com -" },
	{ "verify match=., servername=nexthop", "verify HIGH:MEDIUM:!aNULL >=TLSv1 - example.com" },
	{ "may servername=hostname", "may HIGH:MEDIUM >=TLSv1 - mx.example.com" },
	{ "may servername=sni.test", "may HIGH:MEDIUM >=TLSv1 - sni.test" },
	{ "may,ciphers=null", "may eNULL >=TLSv1 - -" },
	{ "may ciphers=export exclude=RC4:AES256+SHA", "may HIGH:MEDIUM:!RC4:!AES256+SHA >=TLSv1 - -" },
	{ "encrypt protocols=TLSv1.2:TLSv1.3", "encrypt HIGH:MEDIUM:!eNULL TLSv1.2 TLSv1.3 - -" },
	{ "encrypt { protocols = !TLSv1 !TLSv1.1 } { servername = a.test }",
	  "encrypt HIGH:MEDIUM:!eNULL !TLSv1 !TLSv1.1 - a.test" },
	{ "encrypt connection_reuse=yes connection_reuse=no enable_rpk=yes",
		"encrypt HIGH:MEDIUM:!eNULL >=TLSv1 - -" },
	{ "secure policy_type=sts mx_host_pattern=mx.example.com match=nexthop policy_ttl=3 policy_domain=d "
	  "policy_string=v", "secure HIGH:MEDIUM:!aNULL >=TLSv1 mx.example.com -" },
	{ "none ciphers=high", "none" },
};

static void show(const struct tls_policy *p, struct buf *out)
{
	char room[256];
	const char *sni;
	struct buf part;

	buf_str(out, tls_policy_level(p));
	if (p->level == TLS_NONE)
		return;
	buf_init(&part, 1000);
	tls_policy_ciphers(p, &lists, &part);
	buf_fmt(out, " %s %s ", buf_text(&part), p->protocols);
	buf_clear(&part);
	if (p->level >= TLS_VERIFY)
		tls_policy_names(p, "example.com", "mx.example.com", &part);
	for (size_t i = 0; i < part.len; i++)
		if (part.data[i] == ' ')
			part.data[i] = ',';
	sni = tls_policy_servername(p, "example.com", "mx.example.com", room);
	buf_fmt(out, "%s %s", part.len ? part.data : "-", sni ? sni : "-");
	buf_free(&part);
}

START_TEST(test_read)
{
	struct manner *m = manner_with(NULL, NULL);
	struct tls_policy p;
	struct buf seen;
	char *why = NULL;

	buf_init(&seen, 1000);
	ck_assert_msg(tls_policy_read(&p, entries[_i].entry, &why), "%s: %s", entries[_i].entry, why);
	ck_assert_msg(tls_policy_complete(&p, m, &why), "%s: %s", entries[_i].entry, why);
	show(&p, &seen);
	ck_assert_str_eq(buf_text(&seen), entries[_i].seen);
	ck_assert_str_eq(p.origin, "tls_policy_maps");
	tls_policy_clear(&p);
	buf_free(&seen);
	manner_free(m);
}
END_TEST

static const char *const bad[] = {
	"", " ", "must", "halfdane", "secure nonsense", "secure what=ever", "secure match=", "may match=a",
	"encrypt match=a",
	"dane match=a", "may tafile=/f", "fingerprint tafile=/f", "secure tafile=", "secure ciphers=",
	"may ciphers=great",
	"may ciphers=high ciphers=high", "may protocols=a protocols=b", "may exclude=a exclude=b",
	"may exclude=+ALL",
	"may exclude=!RC4", "may exclude=-RC4", "may exclude=@STRENGTH", "may servername=a..b",
	"may servername=a servername=b",
	"may enable_rpk=perhaps", "may connection_reuse=2", "fingerprint", "secure mx_host_pattern=a",
	"secure policy_failure=x",
	"secure policy_type=other", "secure policy_type=sts policy_failure=a policy_failure=b",
};

START_TEST(test_bad)
{
	struct manner *m = manner_with(NULL, NULL);
	struct tls_policy p;
	char *why = NULL;

	if (tls_policy_read(&p, bad[_i], &why)) {
		ck_assert_msg(!tls_policy_complete(&p, m, &why), "%s", bad[_i]);
		tls_policy_clear(&p);
	}
	ck_assert_ptr_nonnull(why);
	free(why);
	manner_free(m);
}
END_TEST

/* What the parameters say where an entry does not. */
static const struct {
	const char *name, *value, *entry, *seen;
} parameters[] = {
	/* parameters smtp_tls_ciphers, smtp_tls_mandatory_ciphers, smtp_tls_exclude_ciphers,
	 * smtp_tls_mandatory_exclude_ciphers, smtp_tls_protocols, smtp_tls_mandatory_protocols */
	{ "tls_ciphers", "high", "may", "may HIGH >=TLSv1 - -" },
	{ "tls_ciphers", "high", "encrypt", "encrypt HIGH:MEDIUM:!eNULL >=TLSv1 - -" },
	{ "tls_mandatory_ciphers", "high", "encrypt", "encrypt HIGH:!eNULL >=TLSv1 - -" },
	{ "tls_mandatory_ciphers", "low", "encrypt", "encrypt HIGH:MEDIUM:!eNULL >=TLSv1 - -" },
	{ "tls_exclude_ciphers", "RC4, 3DES:SEED", "may", "may HIGH:MEDIUM:!RC4:!3DES:!SEED >=TLSv1 - -" },
	{ "tls_mandatory_exclude_ciphers", "RC4", "may", "may HIGH:MEDIUM >=TLSv1 - -" },
	{ "tls_mandatory_exclude_ciphers", "RC4", "encrypt", "encrypt HIGH:MEDIUM:!RC4:!eNULL >=TLSv1 - -" },
	{ "tls_mandatory_exclude_ciphers", "RC4", "encrypt exclude=MD5",
		"encrypt HIGH:MEDIUM:!MD5:!eNULL >=TLSv1 - -" },
	{ "tls_protocols", "!TLSv1", "may", "may HIGH:MEDIUM !TLSv1 - -" },
	{ "tls_mandatory_protocols", ">=TLSv1.3", "encrypt", "encrypt HIGH:MEDIUM:!eNULL >=TLSv1.3 - -" },
	/* parameters smtp_tls_secure_cert_match, smtp_tls_verify_cert_match, smtp_tls_servername */
	{ "tls_secure_cert_match", "a.test:b.test, .c.test", "secure", "secure HIGH:MEDIUM:!aNULL >=TLSv1 "
	  "a.test,b.test,.c.test -" },
	{ "tls_verify_cert_match", "nexthop", "verify", "verify HIGH:MEDIUM:!aNULL >=TLSv1 example.com -" },
	{ "tls_servername", "hostname", "may", "may HIGH:MEDIUM >=TLSv1 - mx.example.com" },
	{ "tls_servername", "hostname", "may servername=o.test", "may HIGH:MEDIUM >=TLSv1 - o.test" },
	/* parameter smtp_tls_enforce_sts_mx_patterns */
	{ "tls_enforce_sts_mx_patterns", "no", "secure policy_type=sts mx_host_pattern=x match=nexthop",
	  "secure HIGH:MEDIUM:!aNULL >=TLSv1 example.com -" },
};

START_TEST(test_parameters)
{
	struct manner *m = manner_with(parameters[_i].name, parameters[_i].value);
	struct tls_policy p;
	struct buf seen;
	char *why = NULL;

	buf_init(&seen, 1000);
	ck_assert(tls_policy_read(&p, parameters[_i].entry, &why));
	ck_assert(tls_policy_complete(&p, m, &why));
	show(&p, &seen);
	ck_assert_str_eq(buf_text(&seen), parameters[_i].seen);
	tls_policy_clear(&p);
	buf_free(&seen);
	manner_free(m);
}
END_TEST

/* behaviour L-5, parameter smtp_tls_per_site */
static const struct {
	enum tls_level nexthop, host, otherwise, level;
} sites[] = {
	{ TLS_UNSET, TLS_UNSET, TLS_MAY, TLS_MAY }, { TLS_NONE, TLS_UNSET, TLS_VERIFY, TLS_NONE },
	{ TLS_UNSET, TLS_NONE, TLS_MAY, TLS_NONE }, { TLS_NONE, TLS_MAY, TLS_MAY, TLS_NONE },
	{ TLS_MAY, TLS_NONE, TLS_MAY, TLS_NONE }, { TLS_MAY, TLS_ENCRYPT, TLS_NONE, TLS_ENCRYPT },
	{ TLS_VERIFY, TLS_ENCRYPT, TLS_NONE, TLS_VERIFY }, { TLS_NONE, TLS_VERIFY, TLS_NONE, TLS_VERIFY },
	{ TLS_MAY, TLS_UNSET, TLS_ENCRYPT, TLS_ENCRYPT }, { TLS_MAY, TLS_MAY, TLS_NONE, TLS_MAY },
	{ TLS_ENCRYPT, TLS_UNSET, TLS_VERIFY, TLS_ENCRYPT },
};

START_TEST(test_sites)
{
	ck_assert_int_eq(tls_policy_of_sites(sites[_i].nexthop, sites[_i].host, sites[_i].otherwise),
		sites[_i].level);
}
END_TEST

START_TEST(test_site_words)
{
	enum tls_level level = TLS_UNSET;

	ck_assert(tls_policy_site("must", &level) && level == TLS_VERIFY);
	ck_assert(tls_policy_site(" MUST_NOPEERMATCH ", &level) && level == TLS_ENCRYPT);
	ck_assert(tls_policy_site("May", &level) && level == TLS_MAY);
	ck_assert(tls_policy_site("NONE", &level) && level == TLS_NONE);
	ck_assert(!tls_policy_site("encrypt", &level) && !tls_policy_site("", &level));
}
END_TEST

/* behaviour L-12 */
static const struct {
	const char *patterns, *host;
	bool allowed;
} hosts[] = {
	{ "mx.a.test", "mx.a.test", true }, { "mx.a.test", "MX.A.test", true },
	{ "mx.a.test", "mx2.a.test", false },
	{ "*.a.test", "mx.a.test", true }, { "*.a.test", "x.mx.a.test", false }, { "*.a.test", "a.test", false },
	{ "b.test *.a.test", "mx.a.test", true }, { "*.xn--bcher-kva.test", "mx.b\303\274cher.test", true },
	{ "*.good.test", "mx.evil.test", false },
};

START_TEST(test_hosts)
{
	struct tls_policy p = { .mx_patterns = (char *)hosts[_i].patterns };

	ck_assert_int_eq(tls_policy_allows_host(&p, hosts[_i].host), hosts[_i].allowed);
}
END_TEST

/* parameter smtp_tls_loglevel */
static const struct {
	const char *words;
	unsigned bits;
} words[] = {
	{ "0", 0 }, { "none", 0 }, { "1", TLS_LOG_SUMMARY },
	{ "Summary, untrusted", TLS_LOG_SUMMARY | TLS_LOG_UNTRUSTED },
	{ "2", 63 }, { "9", 63 }, { "peercert certmatch", TLS_LOG_PEER | TLS_LOG_MATCH }, { "what", 0 },
	{ "", 0 },
};

START_TEST(test_log_words)
{
	ck_assert_uint_eq(tls_log_words(words[_i].words), words[_i].bits);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "read", test_read, UNIT_ROWS(entries), 0 },
		{ "bad", test_bad, UNIT_ROWS(bad), 0 },
		{ "parameters", test_parameters, UNIT_ROWS(parameters), 0 },
		{ "sites", test_sites, UNIT_ROWS(sites), 0 },
		{ "site words", test_site_words, 1, 0 },
		{ "hosts", test_hosts, UNIT_ROWS(hosts), 0 },
		{ "log words", test_log_words, UNIT_ROWS(words), 0 },
	};

	return unit_main("talk/tls_policy", cases, UNIT_ROWS(cases));
}
