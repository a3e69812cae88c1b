#include "net/digest.h"

#include <assert.h>
#include <openssl/evp.h>

void digest_sha256(const void *bytes, size_t n, unsigned char out[DIGEST_SHA256_SIZE])
{
	int fine = EVP_Digest(bytes, n, out, NULL, EVP_sha256(), NULL);

	assert(fine == 1);
	(void)fine;
}
