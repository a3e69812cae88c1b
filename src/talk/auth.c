#include "talk/auth.h"

#include <sasl/sasl.h>
#include <sasl/saslutil.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "talk/auth_private.h"
#include "talk/auth_token.h"

enum {
	MESSAGE_MAX = 12288,   /* of a mechanism: a response fits into a line of RFC 4954 4.4 */
	FAILURE_MAX = 512,
	CALLBACKS = 6
};

struct auth {
	sasl_conn_t *conn;
	sasl_callback_t callbacks[CALLBACKS];
	char *user, *authzid;
	sasl_secret_t *password;
	char *encoded;                /* the password in base64 */
	const char *mechanism;
	const char *token_mechanism;  /* the same if it is one of auth_token.h, else NULL */
	bool external;
	unsigned properties;          /* SASL_SEC_… asked of a mechanism */
	char *response;               /* base64, or NULL */
	bool complete;
	bool refused;                 /* the server has described what is wrong with the token */
	char *failure;
};

/* The library's own type of a function that is cast by its id. */
typedef int (*callback)(void);

static sasl_callback_t callback_of(unsigned long id, callback proc, void *arg)
{
	return (sasl_callback_t){ .id = id, .proc = proc, .context = arg };
}

static const struct {
	const char *word;
	unsigned bit;
} properties[] = {
	{ "noplaintext", SASL_SEC_NOPLAINTEXT }, { "noactive", SASL_SEC_NOACTIVE },
	{ "nodictionary", SASL_SEC_NODICTIONARY }, { "noanonymous", SASL_SEC_NOANONYMOUS },
	{ "forward_secrecy", SASL_SEC_FORWARD_SECRECY }, { "mutual_auth", SASL_SEC_MUTUAL_AUTH },
};

static unsigned property(struct text word)
{
	for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
		if (text_is_nocase(word, properties[i].word))
			return properties[i].bit;
	return 0;
}

bool auth_options_check(const char *options, char **bad)
{
	struct text rest = text_of(options), word;

	while (text_list_next(&rest, &word))
		if (!property(word)) {
			*bad = mem_strn(word.p, word.n);
			return false;
		}
	return true;
}

static unsigned properties_of(const char *options)
{
	struct text rest = text_of(options), word;
	unsigned bits = 0;

	while (text_list_next(&rest, &word))
		bits |= property(word);
	return bits;
}

/* --- what the library asks for --- */

static int tell_user(void *arg, int id, const char **result, unsigned *length)
{
	const struct auth *a = arg;

	*result = id == SASL_CB_AUTHNAME ? a->user : a->authzid;
	if (length)
		*length = (unsigned)strlen(*result);
	return SASL_OK;
}

static int tell_password(sasl_conn_t *conn, void *arg, int id, sasl_secret_t **result)
{
	const struct auth *a = arg;

	(void)conn;
	(void)id;
	*result = a->password;
	return SASL_OK;
}

/* Of several realms (DIGEST-MD5) the first: there is nobody to ask. */
static int tell_realm(void *arg, int id, const char **realms, const char **result)
{
	(void)arg;
	(void)id;
	*result = realms ? realms[0] : NULL;
	return *result ? SASL_OK : SASL_FAIL;
}

static void set_callbacks(struct auth *a)
{
	sasl_callback_t *c = a->callbacks;

	c[0] = callback_of(SASL_CB_USER, (callback)(void (*)(void))tell_user, a);
	c[1] = callback_of(SASL_CB_AUTHNAME, (callback)(void (*)(void))tell_user, a);
	c[2] = callback_of(SASL_CB_PASS, (callback)(void (*)(void))tell_password, a);
	c[3] = callback_of(SASL_CB_GETREALM, (callback)(void (*)(void))tell_realm, a);
	c[4] = callback_of(SASL_CB_LOG, (callback)(void (*)(void))auth_log_nothing, NULL);
	c[5] = callback_of(SASL_CB_LIST_END, NULL, NULL);
}

/* --- coming and going --- */

static bool fail(struct auth *a, const char *why)
{
	free(a->failure);
	a->failure = text_cleaned(why, FAILURE_MAX);
	return false;
}

static sasl_secret_t *copy_password(const char *password)
{
	size_t n = strlen(password);
	sasl_secret_t *s = mem_alloc(sizeof *s + n + 1);

	s->len = n;
	memcpy(s->data, password, n);
	return s;
}

static char *encode(const char *message, size_t n)
{
	size_t room = (n + 2) / 3 * 4 + 1;
	char *out = mem_alloc(room);

	sasl_encode64(message, (unsigned)n, out, (unsigned)room, NULL);
	return out;
}

/* A layer's strength is never asked for, so none is made. */
static void set_properties(struct auth *a)
{
	sasl_security_properties_t p = { .security_flags = a->properties };

	sasl_setprop(a->conn, SASL_SEC_PROPS, &p);
	if (a->external)
		sasl_setprop(a->conn, SASL_AUTH_EXTERNAL, a->user);
}

struct auth *auth_new(const struct auth_setup *setup)
{
	struct auth *a = mem_alloc(sizeof *a);
	int result;

	a->user = mem_str(setup->user);
	a->authzid = mem_str(setup->authzid ? setup->user : "");
	a->password = copy_password(setup->password);
	a->encoded = encode(setup->password, strlen(setup->password));
	a->external = setup->external;
	a->properties = properties_of(setup->options);
	set_callbacks(a);
	result = sasl_client_new(setup->service, setup->host, NULL, NULL, a->callbacks, 0, &a->conn);
	if (result == SASL_OK)
		set_properties(a);
	else
		fail(a, sasl_errstring(result, NULL, NULL));
	return a;
}

void auth_end(struct auth *a)
{
	sasl_dispose(&a->conn);
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	auth_end(a);
	secret_free(a->password);
	secret_free(a->encoded);
	secret_free(a->response);
	free(a->user);
	free(a->authzid);
	free(a->failure);
	free(a);
}

/* --- the exchange --- */

static bool respond(struct auth *a, const char *message, size_t n)
{
	secret_free(a->response);
	a->response = NULL;
	if (n > MESSAGE_MAX)
		return fail(a, "the mechanism's response is too long");
	if (message)
		a->response = encode(message, n);
	return true;
}

/* What the library made of the last step. */
static bool accept(struct auth *a, int result, const char *message, unsigned n)
{
	if (result != SASL_OK && result != SASL_CONTINUE)
		return fail(a, a->conn ? sasl_errdetail(a->conn) : "no memory");
	a->complete = result == SASL_OK;
	return respond(a, message, n);
}

/* A token is a password that is sent as it is. */
static bool begin_token(struct auth *a, const char *mechanisms)
{
	const char *mechanism = auth_token_mechanism(mechanisms);
	char *message;

	if (!mechanism || (a->properties & ~(unsigned)SASL_SEC_NOANONYMOUS))
		return fail(a, "no mechanism available");
	a->mechanism = a->token_mechanism = mechanism;
	message = auth_token_message(mechanism, a->user, (const char *)a->password->data);
	if (!message)
		return fail(a, "the token holds what no token may hold");
	respond(a, message, strlen(message));
	secret_free(message);
	a->complete = true;
	return true;
}

static bool offers_external(const char *mechanisms)
{
	struct text rest = text_of(mechanisms), word;

	while (text_word(&rest, &word))
		if (text_is_nocase(word, "EXTERNAL"))
			return true;
	return false;
}

bool auth_begin(struct auth *a, const char *mechanisms)
{
	const char *message = NULL, *mechanism = NULL;
	unsigned n = 0;
	int result;

	if (!a->conn)
		return false;
	if (a->external && !offers_external(mechanisms))
		return fail(a, "the server does not offer EXTERNAL");
	result = sasl_client_start(a->conn, a->external ? "EXTERNAL" : mechanisms, NULL, &message, &n,
		&mechanism);
	if (result == SASL_NOMECH && !a->external)
		return begin_token(a, mechanisms);
	a->mechanism = mechanism;
	return accept(a, result, message, n);
}

bool auth_asks_others(const char *mechanisms)
{
	struct text rest = text_of(mechanisms), word;

	while (text_word(&rest, &word))
		if (text_starts_nocase(word, "GSS") || text_starts_nocase(word, "GS2-")
			|| text_starts_nocase(word, "KERBEROS"))
			return true;
	return false;
}

const char *auth_mechanism(const struct auth *a)
{
	return a->mechanism;
}

const char *auth_response(const struct auth *a)
{
	return a->response;
}

static bool token_error(struct auth *a)
{
	const char *answer = auth_token_after_error(a->token_mechanism);

	if (a->refused)
		return fail(a, "the server goes on after it has refused the token");
	a->refused = true;
	a->complete = false;
	return respond(a, answer, strlen(answer));
}

static bool library_step(struct auth *a, const char *challenge, unsigned n)
{
	const char *message = NULL;
	unsigned length = 0;
	int result;

	if (a->complete)
		return fail(a, "the server asks for more than the mechanism has to say");
	result = sasl_client_step(a->conn, challenge, n, NULL, &message, &length);
	return accept(a, result, message ? message : "", length);
}

bool auth_challenge(struct auth *a, const char *base64)
{
	size_t n = strlen(base64);
	char *challenge = mem_alloc(n + 1);
	unsigned length = 0;
	bool fine;

	if (n > 0 && sasl_decode64(base64, (unsigned)n, challenge, (unsigned)n + 1, &length) != SASL_OK)
		fine = fail(a, "the server's challenge is not base64");
	else if (a->token_mechanism)
		fine = token_error(a);
	else
		fine = library_step(a, challenge, length);
	free(challenge);
	return fine;
}

bool auth_complete(const struct auth *a)
{
	return a->complete;
}

const char *auth_failure(const struct auth *a)
{
	return a->failure ? a->failure : "no reason given";
}

/* --- what must not be seen --- */

static char *hide(char *text, const char *secret)
{
	size_t n = secret ? strlen(secret) : 0;
	const char *at = text, *found;
	struct buf out;

	if (n == 0 || !strstr(text, secret))
		return text;
	buf_init(&out, strlen(text) * 3 + 1);
	for (; (found = strstr(at, secret)); at = found + n) {
		buf_add(&out, at, (size_t)(found - at));
		buf_str(&out, "***");
	}
	buf_str(&out, at);
	secret_free(text);
	return buf_take(&out);
}

char *auth_hide(const struct auth *a, const char *words)
{
	return hide(hide(hide(mem_str(words), a->response), a->encoded), (const char *)a->password->data);
}
