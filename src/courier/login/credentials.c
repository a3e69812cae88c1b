#include "courier/login/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "courier/login/mechanisms.h"
#include "format/address/address.h"
#include "table/table.h"
#include "talk/auth.h"

enum {
	SECRET_MAX = 8192,       /* bytes of a file with a password */
	MECHANISMS_MAX = 4096
};

static const char in_file[] = "file:";

struct credentials {
	const struct manner *manner;
	const char *delimiters;      /* recipient_delimiter */
	const char *secrets;         /* directory of files with passwords, or "" */
	struct table_list *passwords;
	struct match_list *filter;
};

/* --- opening --- */

static bool knows(const char *options, char **why)
{
	char *bad;

	if (auth_options_check(options, &bad))
		return true;
	*why = mem_fmt("a mechanism has no property '%s'", bad);
	free(bad);
	return false;
}

/* The option that is to blame, or NULL. */
static const char *check(const struct manner *m, char **why)
{
	if (strcmp(m->sasl_type, "cyrus") != 0) {
		*why = mem_fmt("there is no SASL implementation '%s'; cyrus is the only one", m->sasl_type);
		return "sasl_type";
	}
	if (!*m->sasl_password_maps) {
		*why = mem_str("needs a table of passwords, sasl_password_maps");
		return "sasl_auth_enable";
	}
	if (!knows(m->sasl_security_options, why))
		return "sasl_security_options";
	if (!knows(m->sasl_tls_security_options, why))
		return "sasl_tls_security_options";
	return knows(m->sasl_tls_verified_security_options, why) ? NULL : "sasl_tls_verified_security_options";
}

static const char *open_all(struct credentials *c, char **why)
{
	const char *option = check(c->manner, why);

	if (option)
		return option;
	c->passwords = table_list_open_literal(c->manner->sasl_password_maps, why);
	if (!c->passwords)
		return "sasl_password_maps";
	c->filter = match_list_open(c->manner->sasl_mechanism_filter, MATCH_FILES, why);
	return c->filter ? NULL : "sasl_mechanism_filter";
}

struct credentials *credentials_open(const struct manner *m, const struct settings *s, const char **option,
	char **why)
{
	struct credentials *c;

	*option = NULL;
	if (!m->sasl_auth_enable)
		return NULL;
	c = mem_alloc(sizeof *c);
	c->manner = m;
	c->delimiters = s->recipient_delimiter;
	c->secrets = s->sasl_secret_directory;
	*option = open_all(c, why);
	if (!*option)
		return c;
	credentials_close(c);
	return NULL;
}

void credentials_close(struct credentials *c)
{
	if (!c)
		return;
	table_list_free(c->passwords);
	match_list_free(c->filter);
	free(c);
}

/* --- looking up --- */

/* An entry that was found: by which key, and what stands there, which lives until the next look-up. */
struct hit {
	char *key;
	const char *value;
};

static bool take(struct hit *h, const char *key, const char *value)
{
	if (value)
		*h = (struct hit){ mem_str(key), value };
	return value;
}

static bool by_part(const struct credentials *c, struct text part, struct hit *h, const char **why)
{
	char *key = mem_strn(part.p, part.n);
	bool found = part.n > 0 && take(h, key, table_list_get_part(c->passwords, key, why));

	free(key);
	return found;
}

/* user@domain for user+extension@domain. */
static bool without_extension(const struct credentials *c, const char *sender, struct hit *h,
	const char **why)
{
	struct text local, domain, extension;
	struct buf key;
	bool found;

	address_split(text_of(sender), &local, &domain);
	extension = address_extension(local, c->delimiters);
	if (extension.n == 0)
		return false;
	buf_init(&key, strlen(sender));
	buf_add(&key, local.p, local.n - extension.n);
	buf_char(&key, '@');
	buf_add(&key, domain.p, domain.n);
	found = by_part(c, text_of(buf_text(&key)), h, why);
	buf_free(&key);
	return found;
}

/* The whole address, the same without its extension, @domain (behaviour S-6). */
static bool by_sender(const struct credentials *c, const char *sender, struct hit *h, const char **why)
{
	*why = NULL;
	if (!c->manner->sender_dependent_authentication || !*sender)
		return false;
	if (take(h, sender, table_list_get(c->passwords, sender, why)) || *why)
		return !*why;
	if (without_extension(c, sender, h, why) || *why)
		return !*why;
	return by_part(c, text_of(strrchr(sender, '@')), h, why);
}

static bool by_name(const struct credentials *c, const char *name, struct hit *h, const char **why)
{
	*why = NULL;
	return *name && take(h, name, table_list_get(c->passwords, name, why));
}

/* False with *why NULL: there is no entry. */
static bool look_up(const struct credentials *c, const struct credentials_query *q, struct hit *h,
	const char **why)
{
	if (by_sender(c, q->sender, h, why) || *why)
		return !*why;
	if (q->host_is_sure && (by_name(c, q->host, h, why) || *why))
		return !*why;
	return by_name(c, q->nexthop, h, why);
}

static bool cannot_ask(const char *why, char **out)
{
	if (why)
		*out = mem_fmt("sasl_password_maps cannot be asked: %s", why);
	return why;
}

/* Line ends behind a password are those of the editor. */
static bool read_secret(const char *path, char **secret, char **why)
{
	char bytes[SECRET_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
	int error = errno;

	if (fd >= 0)
		close(fd);
	while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
		n--;
	if (n <= 0 || n > SECRET_MAX)
		*why = mem_fmt("the file with the password, %s: %s", path,
			n < 0 ? strerror(error) : n == 0 ? "is empty" : "is too long");
	else
		*secret = mem_strn(bytes, (size_t)n);
	secret_wipe(bytes, sizeof bytes);
	return *secret;
}

static bool read_password(const struct credentials *c, const char *text, char **password, char **why)
{
	const char *name = text + strlen(in_file);
	char *path;
	bool fine;

	if (!*c->secrets || strncmp(text, in_file, strlen(in_file)) != 0) {
		*password = mem_str(text);
		return true;
	}
	if (!*name || strchr(name, '/') || *name == '.') {
		*why = mem_str("file: must be followed by the name of a file in sasl_secret_directory");
		return false;
	}
	path = mem_fmt("%s/%s", c->secrets, name);
	fine = read_secret(path, password, why);
	free(path);
	return fine;
}

static bool read_entry(const struct credentials *c, const struct hit *h, struct login *l, char **why)
{
	const char *split = strchr(h->value, *c->manner->sasl_password_result_delimiter);

	l->key = h->key;
	l->user = mem_strn(h->value, split ? (size_t)(split - h->value) : strlen(h->value));
	if (read_password(c, split ? split + 1 : "", &l->password, why))
		return true;
	login_clear(l);
	return false;
}

enum credentials_result credentials_find(const struct credentials *c, const struct credentials_query *q,
	struct login *l, char **why)
{
	struct hit h = { 0 };
	const char *what;

	*l = (struct login){ 0 };
	if (!look_up(c, q, &h, &what))
		return cannot_ask(what, why) ? CREDENTIALS_FAILED : CREDENTIALS_NONE;
	return read_entry(c, &h, l, why) ? CREDENTIALS_FOUND : CREDENTIALS_FAILED;
}

void login_clear(struct login *l)
{
	free(l->key);
	free(l->user);
	secret_free(l->password);
	*l = (struct login){ 0 };
}

char *credentials_key(const struct credentials *c, const struct credentials_query *q, char **why)
{
	struct hit h = { 0 };
	const char *what;

	if (!look_up(c, q, &h, &what))
		cannot_ask(what, why);
	return h.key;
}

bool credentials_any(const struct credentials *c, const struct credentials_query *q)
{
	char *why = NULL, *key = c ? credentials_key(c, q, &why) : NULL;
	bool any = key || why;

	free(key);
	free(why);
	return any;
}

bool credentials_of_sender(const struct credentials *c, const char *sender, char **key)
{
	struct hit h = { 0 };
	const char *why;

	by_sender(c, sender, &h, &why);
	*key = h.key;
	return !why;
}

bool credentials_withheld(const struct credentials *c, const struct credentials_query *q)
{
	struct hit h = { 0 };
	const char *why;
	bool withheld = !q->host_is_sure && by_name(c, q->host, &h, &why);

	free(h.key);
	return withheld;
}

char *credentials_mechanisms(const struct credentials *c, const char *offered, char **why)
{
	struct buf out;
	const char *what;

	buf_init(&out, MECHANISMS_MAX);
	if (mechanisms_filter(c->filter, offered, &out, &what))
		return buf_take(&out);
	buf_free(&out);
	*why = mem_fmt("sasl_mechanism_filter cannot be asked: %s", what);
	return NULL;
}
