#include "talk/auth_token.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#define SEPARATOR "\001"   /* kvsep of RFC 7628 3.1 */

static const char oauthbearer[] = "OAUTHBEARER", xoauth2[] = "XOAUTH2";

static bool offers(const char *mechanisms, const char *name)
{
	struct text rest = text_of(mechanisms), word;

	while (text_word(&rest, &word))
		if (text_is_nocase(word, name))
			return true;
	return false;
}

const char *auth_token_mechanism(const char *mechanisms)
{
	if (offers(mechanisms, oauthbearer))
		return oauthbearer;
	return offers(mechanisms, xoauth2) ? xoauth2 : NULL;
}

/* A saslname (RFC 5801 4). */
static char *saslname(const char *user)
{
	struct buf out;

	buf_init(&out, 3 * strlen(user) + 1);
	for (; *user; user++)
		if (*user == '=')
			buf_str(&out, "=3D");
		else if (*user == ',')
			buf_str(&out, "=2C");
		else
			buf_char(&out, *user);
	return buf_take(&out);
}

/* b64token of RFC 6750 2.1, as far as it matters here: nothing that ends a field or a header line. */
static bool is_token(const char *token)
{
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return *token;
}

char *auth_token_message(const char *mechanism, const char *user, const char *token)
{
	char *name, *message;

	if (text_has_control(text_of(user)) || !is_token(token))
		return NULL;
	if (mechanism == xoauth2)
		return mem_fmt("user=%s" SEPARATOR "auth=Bearer %s" SEPARATOR SEPARATOR, user, token);
	name = saslname(user);
	message = mem_fmt("n,a=%s," SEPARATOR "auth=Bearer %s" SEPARATOR SEPARATOR, name, token);
	free(name);
	return message;
}

const char *auth_token_after_error(const char *mechanism)
{
	return mechanism == oauthbearer ? SEPARATOR : "";
}
