#include "net/endpoint.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

bool endpoint_unix(struct endpoint *e, const char *path)
{
	size_t n = strlen(path);

	*e = (struct endpoint){ .size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1) };
	if (n == 0 || n >= sizeof e->at.local.sun_path)
		return false;
	e->at.local.sun_family = AF_UNIX;
	memcpy(e->at.local.sun_path, path, n + 1);
	return true;
}

bool endpoint_inet(struct endpoint *e, const char *address, uint16_t port)
{
	*e = (struct endpoint){ .size = sizeof e->at.v4 };
	if (inet_pton(AF_INET, address, &e->at.v4.sin_addr) == 1) {
		e->at.v4.sin_family = AF_INET;
		e->at.v4.sin_port = htons(port);
		return true;
	}
	*e = (struct endpoint){ .size = sizeof e->at.v6 };
	if (inet_pton(AF_INET6, address, &e->at.v6.sin6_addr) != 1)
		return false;
	e->at.v6.sin6_family = AF_INET6;
	e->at.v6.sin6_port = htons(port);
	return true;
}

bool endpoint_binary(struct endpoint *e, const void *bytes, size_t n)
{
	if (n == sizeof e->at.v4.sin_addr) {
		*e = (struct endpoint){ .size = sizeof e->at.v4 };
		e->at.v4.sin_family = AF_INET;
		memcpy(&e->at.v4.sin_addr, bytes, n);
	} else if (n == sizeof e->at.v6.sin6_addr) {
		*e = (struct endpoint){ .size = sizeof e->at.v6 };
		e->at.v6.sin6_family = AF_INET6;
		memcpy(&e->at.v6.sin6_addr, bytes, n);
	} else {
		return false;
	}
	return true;
}

void endpoint_set_port(struct endpoint *e, uint16_t port)
{
	if (endpoint_is_v6(e))
		e->at.v6.sin6_port = htons(port);
	else
		e->at.v4.sin_port = htons(port);
}

const char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_SIZE])
{
	if (endpoint_is_unix(e))
		snprintf(out, ENDPOINT_TEXT_SIZE, "%s", e->at.local.sun_path);
	else if (endpoint_is_v6(e))
		inet_ntop(AF_INET6, &e->at.v6.sin6_addr, out, ENDPOINT_TEXT_SIZE);
	else
		inet_ntop(AF_INET, &e->at.v4.sin_addr, out, ENDPOINT_TEXT_SIZE);
	return out;
}

uint16_t endpoint_port(const struct endpoint *e)
{
	if (endpoint_is_unix(e))
		return 0;
	return ntohs(endpoint_is_v6(e) ? e->at.v6.sin6_port : e->at.v4.sin_port);
}

bool endpoint_is_unix(const struct endpoint *e)
{
	return e->at.any.sa_family == AF_UNIX;
}

bool endpoint_is_v6(const struct endpoint *e)
{
	return e->at.any.sa_family == AF_INET6;
}

bool endpoint_is_loopback(const struct endpoint *e)
{
	if (endpoint_is_v6(e))
		return IN6_IS_ADDR_LOOPBACK(&e->at.v6.sin6_addr);
	return !endpoint_is_unix(e) && ntohl(e->at.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->size == b->size && memcmp(&a->at, &b->at, a->size) == 0;
}
