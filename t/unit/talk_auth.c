/* Mechanisms: which is chosen, what it says, and what it makes of challenges. behaviour S-7, S-8, S-9 */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "talk/auth.h"

#define ALL "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256"

/* What begins, and with which words. parameter send_cyrus_sasl_authzid */
static const struct {
	const char *offered, *options, *password;
	bool authzid, external;
	const char *mechanism, *response;   /* NULL: none is fit; the response NULL: the server begins */
} chosen[] = {
	{ "PLAIN", "", "secret", false, false, "PLAIN", "AHVzZXIAc2VjcmV0" },
	{ "plain", "noanonymous", "secret", false, false, "PLAIN", "AHVzZXIAc2VjcmV0" },
	{ "PLAIN", "", "secret", true, false, "PLAIN", "dXNlcgB1c2VyAHNlY3JldA==" },
	{ "PLAIN", "", "", false, false, "PLAIN", "AHVzZXIA" },
	{ "LOGIN", "noanonymous", "secret", false, false, "LOGIN", NULL },
	{ "CRAM-MD5", "noplaintext, noanonymous", "secret", false, false, "CRAM-MD5", NULL },
	{ "LOGIN PLAIN CRAM-MD5", "noplaintext", "secret", false, false, "CRAM-MD5", NULL },
	{ "PLAIN LOGIN", "noplaintext, noanonymous", "secret", false, false, NULL, NULL },
	{ "ANONYMOUS", "noanonymous", "secret", false, false, NULL, NULL },
	{ "CRAM-MD5", "mutual_auth", "secret", false, false, NULL, NULL },
	{ "CRAM-MD5", "nodictionary", "secret", false, false, NULL, NULL },
	{ "PLAIN", "noactive", "secret", false, false, NULL, NULL },
	{ "PLAIN", "forward_secrecy", "secret", false, false, NULL, NULL },
	{ "NOSUCH", "", "secret", false, false, NULL, NULL },
	{ "X\001Y", "", "secret", false, false, NULL, NULL },
	/* the connection proves who we are: nothing but EXTERNAL, and EXTERNAL at no other time */
	{ "PLAIN EXTERNAL", "noplaintext, noanonymous", "", false, true, "EXTERNAL", "" },
	{ "external", "", "", true, true, "EXTERNAL", "dXNlcg==" },
	{ "PLAIN", "", "", false, true, NULL, NULL },
	{ "XEXTERNAL EXTERNALX", "", "", false, true, NULL, NULL },
	{ "EXTERNAL", "", "secret", false, false, NULL, NULL },
	{ "EXTERNAL XOAUTH2", "mutual_auth", "token", false, true, NULL, NULL },
	/* tokens, which are not taken for another mechanism's sake */
	{ "XOAUTH2", "", "token", false, false, "XOAUTH2", "dXNlcj11c2VyAWF1dGg9QmVhcmVyIHRva2VuAQE=" },
	{ "XOAUTH2 OAUTHBEARER", "noanonymous", "token", false, false, "OAUTHBEARER",
	  "bixhPXVzZXIsAWF1dGg9QmVhcmVyIHRva2VuAQE=" },
	{ "OAUTHBEARER PLAIN", "", "secret", false, false, "PLAIN", "AHVzZXIAc2VjcmV0" },
	{ "OAUTHBEARER", "noplaintext", "token", false, false, NULL, NULL },
	{ "XOAUTH2", "", "to ken", false, false, NULL, NULL },
	{ "XOAUTH2", "", "token\001auth=x", false, false, NULL, NULL },
	{ "XOAUTH2", "", "", false, false, NULL, NULL },
	{ "XOAUTH", "", "token", false, false, NULL, NULL },
};

static struct auth *make(const char *user, const char *password, const char *options)
{
	return auth_new(&(struct auth_setup){ .service = "smtp", .host = "mx.test", .user = user,
		.password = password, .options = options });
}

START_TEST(test_chosen)
{
	struct auth *a = auth_new(&(struct auth_setup){ .service = "smtp", .host = "mx.test", .user = "user",
		.password = chosen[_i].password, .options = chosen[_i].options, .authzid = chosen[_i].authzid,
		.external = chosen[_i].external });
	bool begun = auth_begin(a, chosen[_i].offered);

	ck_assert_msg(begun == (chosen[_i].mechanism != NULL), "row %d: %s", _i, auth_failure(a));
	if (begun) {
		ck_assert_str_eq(auth_mechanism(a), chosen[_i].mechanism);
		ck_assert_pstr_eq(auth_response(a), chosen[_i].response);
	} else {
		ck_assert_ptr_null(strstr(auth_failure(a), chosen[_i].password[0] ? chosen[_i].password : "\n"));
	}
	auth_free(a);
}
END_TEST

/* The strongest of many, in any order. */
START_TEST(test_strongest)
{
	static const char *const orders[] = { ALL, "SCRAM-SHA-256 PLAIN", "PLAIN SCRAM-SHA-256 LOGIN" };

	for (size_t i = 0; i < UNIT_ROWS(orders); i++) {
		struct auth *a = make("user", "secret", "");

		ck_assert(auth_begin(a, orders[i]));
		ck_assert_str_eq(auth_mechanism(a), "SCRAM-SHA-256");
		ck_assert(!auth_complete(a));
		auth_free(a);
	}
}
END_TEST

/* Exchanges: each challenge with the response to it (NULL: it fails), and whether success may follow. */
static const struct exchange {
	const char *mechanism, *user, *password;
	struct {
		const char *challenge, *response;
		bool complete;
	} turns[4];
} exchanges[] = {
	/* RFC 2195 2 */
	{ "CRAM-MD5", "tim", "tanstaaftanstaaf",
	  { { "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
	      "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw", true } } },
	{ "CRAM-MD5", "user", "secret", { { "PDE+", "*", true }, { "PDE+", NULL, false } } },
	{ "CRAM-MD5", "user", "secret", { { "", "*", true }, { "", NULL, false } } },
	{ "CRAM-MD5", "user", "secret", { { "PDE", NULL, false } } },
	{ "CRAM-MD5", "user", "secret", { { "P D E +", NULL, false } } },
	{ "CRAM-MD5", "user", "secret", { { "=", NULL, false } } },
	{ "CRAM-MD5", "user", "secret", { { "\303\251\303\251", NULL, false } } },
	{ "LOGIN", "user", "secret",
	  { { "VXNlcm5hbWU6", "dXNlcg==", false }, { "UGFzc3dvcmQ6", "c2VjcmV0", true },
	  { "Pw==", NULL, false } } },
	{ "PLAIN", "user", "secret", { { "", NULL, false } } },
	{ "PLAIN", "user", "secret", { { "Pw==", NULL, false } } },
	{ "DIGEST-MD5", "user", "secret", { { "", NULL, false } } },
	{ "DIGEST-MD5", "user", "secret", { { "bm9uY2U=", NULL, false } } },
	/* no success before rspauth */
	{ "DIGEST-MD5", "user", "sesame",
	  { { "bm9uY2U9ImFiYyIscW9wPSJhdXRoIixhbGdvcml0aG09bWQ1LXNlc3MsY2hhcnNldD11dGYtOA==", "*", false },
	    { "cnNwYXV0aD0wMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA==", NULL, false } } },
	/* the server's nonce does not begin with ours; too few rounds; not a message at all */
	{ "SCRAM-SHA-256", "user", "secret", { { "cj14LHM9YWFhYSxpPTQwOTY=", NULL, false } } },
	{ "SCRAM-SHA-1", "user", "secret", { { "cj14LHM9YWFhYSxpPTQwOTY=", NULL, false } } },
	{ "SCRAM-SHA-1", "user", "secret", { { "", NULL, false } } },
	{ "SCRAM-SHA-1", "user", "secret", { { "dj1hYWFh", NULL, false } } },
	/* the description of an error, and then nothing more */
	{ "OAUTHBEARER", "user", "sesame", { { "e30=", "AQ==", false }, { "e30=", NULL, false } } },
	{ "XOAUTH2", "user", "sesame", { { "e30=", "", false }, { "e30=", NULL, false } } },
};

START_TEST(test_exchange)
{
	const struct exchange *e = &exchanges[_i];
	struct auth *a = make(e->user, e->password, "");

	ck_assert(auth_begin(a, e->mechanism));
	for (size_t i = 0; i < UNIT_ROWS(e->turns) && e->turns[i].challenge; i++) {
		const char *wanted = e->turns[i].response;

		ck_assert_msg(auth_challenge(a, e->turns[i].challenge) == (wanted != NULL), "row %d, turn %zu: %s",
			_i, i, auth_failure(a));
		if (!wanted)
			break;
		if (*wanted != '*')
			ck_assert_str_eq(auth_response(a), wanted);
		ck_assert_msg(auth_complete(a) == e->turns[i].complete, "row %d, turn %zu", _i, i);
	}
	ck_assert_ptr_null(strstr(auth_failure(a), e->password));
	auth_free(a);
}
END_TEST

/* What a server repeats, with and without its share of secrets. */
static const struct {
	const char *said, *shown;
} words[] = {
	{ "535 5.7.8 no", "535 5.7.8 no" },
	{ "535 'secret' is wrong", "535 '***' is wrong" },
	{ "535 secretsecret", "535 ******" },
	{ "535 AHVzZXIAc2VjcmV0?", "535 ***?" },
	{ "535 c2VjcmV0 secret", "535 *** ***" },
	{ "secret", "***" },
	{ "", "" },
};

START_TEST(test_hide)
{
	struct auth *a = make("user", "secret", "");
	char *shown;

	ck_assert(auth_begin(a, "PLAIN"));
	shown = auth_hide(a, words[_i].said);
	ck_assert_str_eq(shown, words[_i].shown);
	free(shown);
	auth_free(a);
}
END_TEST

static const struct {
	const char *options, *bad;
} options[] = {
	{ "", NULL }, { "noplaintext, noanonymous", NULL }, { "NoActive nodictionary", NULL },
	{ "forward_secrecy,mutual_auth", NULL }, { "noplain", "noplain" }, { "noanonymous, no", "no" },
	{ "pass_credentials", "pass_credentials" }, { "1", "1" },
};

static const struct { const char *mechanisms; bool asks; } asking[] = {
	{ "GSSAPI", true }, { "PLAIN gssapi LOGIN", true }, { "GSS-SPNEGO", true }, { "GS2-KRB5", true },
	{ "KERBEROS_V4", true },
	{ "", false }, { ALL, false }, { "XGSSAPI EXTERNAL XOAUTH2 OAUTHBEARER ANONYMOUS NTLM G", false },
};

START_TEST(test_asking)
{
	ck_assert(auth_asks_others(asking[_i].mechanisms) == asking[_i].asks);
}
END_TEST

START_TEST(test_options)
{
	char *bad = NULL;

	ck_assert_int_eq(auth_options_check(options[_i].options, &bad), !options[_i].bad);
	ck_assert_pstr_eq(bad, options[_i].bad);
	free(bad);
}
END_TEST

int main(void)
{
	const struct unit_case cases[] = {
		{ "chosen", test_chosen, UNIT_ROWS(chosen), 0 },
		{ "strongest", test_strongest, 1, 0 },
		{ "exchange", test_exchange, UNIT_ROWS(exchanges), 0 },
		{ "hide", test_hide, UNIT_ROWS(words), 0 },
		{ "asks others", test_asking, UNIT_ROWS(asking), 0 },
		{ "options", test_options, UNIT_ROWS(options), 0 },
	};
	char *why;

	if (!auth_library_open(&why)) {
		printf("%s\n", why);
		return EXIT_FAILURE;
	}
	return unit_main("talk/auth", cases, UNIT_ROWS(cases));
}
