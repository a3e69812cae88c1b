/* Digests, for those who need nothing else of OpenSSL. */
#ifndef CAUSEWAY_NET_DIGEST_H
#define CAUSEWAY_NET_DIGEST_H

#include <stddef.h>

enum { DIGEST_SHA256_SIZE = 32 };

/* SHA-256 (FIPS 180-4) of n bytes. */
void digest_sha256(const void *bytes, size_t n, unsigned char out[DIGEST_SHA256_SIZE]);

#endif
