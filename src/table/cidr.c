/* cidr:FILE: networks in CIDR notation (cidr_table(5)); keys are numeric addresses, of which those of the
 * pattern's own family are compared. */
#include "table/type.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "table/rules.h"

struct address {
	int family;
	size_t size;                 /* bytes */
	unsigned char bytes[sizeof(struct in6_addr)];
};

struct network {
	struct address address;
	unsigned prefix;             /* bits that count */
};

static bool read_address(struct text t, struct address *a)
{
	char copy[INET6_ADDRSTRLEN];

	if (t.n == 0 || t.n >= sizeof copy)
		return false;
	memcpy(copy, t.p, t.n);
	copy[t.n] = '\0';
	a->family = strchr(copy, ':') ? AF_INET6 : AF_INET;
	a->size = a->family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
	return inet_pton(a->family, copy, a->bytes) == 1;
}

/* The bits of byte i that belong to a prefix of so many bits. */
static unsigned char mask_byte(unsigned prefix, size_t i)
{
	size_t bits = prefix > i * 8 ? prefix - i * 8 : 0;

	return bits >= 8 ? 0xff : (unsigned char)(0xff00 >> bits);
}

/* "address", "address/prefix"; each or both may stand in brackets. */
static bool split(struct text word, struct text *address, struct text *prefix, char **why)
{
	struct text part;

	*prefix = text_make("", 0);
	if (*word.p == '[') {
		word = text_make(word.p + 1, word.n - 1);
		if (!text_until(&word, ']', &part)) {
			*why = mem_str("a closing bracket is missing");
			return false;
		}
		if (word.n && *word.p != '/') {
			*why = mem_fmt("\"%.*s\" behind the bracket", (int)word.n, word.p);
			return false;
		}
		if (word.n)
			*prefix = text_make(word.p + 1, word.n - 1);
		word = part;
	}
	*address = word;
	if (prefix->n == 0 && text_until(&word, '/', &part)) {
		*address = part;
		*prefix = word;
	}
	return true;
}

static bool host_bits_are_zero(const struct network *net)
{
	for (size_t i = 0; i < net->address.size; i++)
		if (net->address.bytes[i] & ~mask_byte(net->prefix, i))
			return false;
	return true;
}

static char *too_many_bits(struct network *net)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < net->address.size; i++)
		net->address.bytes[i] &= mask_byte(net->prefix, i);
	inet_ntop(net->address.family, net->address.bytes, text, sizeof text);
	return mem_fmt("address bits behind the prefix are not zero; meant is perhaps %s/%u", text, net->prefix);
}

static bool read_network(struct text word, struct network *net, char **why)
{
	struct text address, prefix;
	bool whole = !memchr(word.p, '/', word.n);
	uint64_t bits;

	if (!split(word, &address, &prefix, why))
		return false;
	if (!read_address(address, &net->address)) {
		*why = mem_fmt("\"%.*s\" is no IPv4 or IPv6 address", (int)address.n, address.p);
		return false;
	}
	net->prefix = (unsigned)net->address.size * 8;
	if (whole)
		return true;
	if (!text_number(&prefix, net->prefix, &bits) || prefix.n) {
		*why = mem_fmt("the length of the prefix is not a number from 0 to %u", net->prefix);
		return false;
	}
	net->prefix = (unsigned)bits;
	if (host_bits_are_zero(net))
		return true;
	*why = too_many_bits(net);
	return false;
}

static void *take(struct text *line, unsigned *groups, char **why)
{
	struct network *net = mem_alloc(sizeof *net);
	struct text word;

	*groups = 0;
	text_word(line, &word);
	if (read_network(word, net, why))
		return net;
	free(net);
	return NULL;
}

static enum rules_match match(void *pattern, const char *key, size_t n, struct text *groups, const char **why)
{
	const struct network *net = pattern;
	struct address a;

	(void)groups;
	(void)why;
	if (!read_address(text_make(key, n), &a) || a.family != net->address.family)
		return RULES_OTHER;
	for (size_t i = 0; i < a.size; i++)
		if ((a.bytes[i] & mask_byte(net->prefix, i)) != net->address.bytes[i])
			return RULES_NO;
	return RULES_YES;
}

static const struct rules_kind kind = { take, match, free, false };

static void *cidr_open(const char *name, unsigned flags, char **why)
{
	return rules_open(&kind, name, flags, why);
}

const struct table_type table_cidr = { "cidr", false, cidr_open, rules_get, rules_close, rules_each };
