#include "format/journal/crc32c.h"

#include <stdbool.h>
#include <string.h>

#if defined __x86_64__
#include <cpuid.h>
#include <nmmintrin.h>
#endif

/* Half a byte at a time: lines are short, and most processors do without this. */
uint32_t crc32c_by_table(const void *bytes, size_t n)
{
	/* remainders of the sixteen half bytes by the reflected polynomial 82f63b78 */
	static const uint32_t half[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362,
			0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a,
		0xf36e6f75,
	};
	const unsigned char *p = bytes;
	uint32_t crc = ~0u;

	for (; n; n--) {
		crc ^= *p++;
		crc = crc >> 4 ^ half[crc & 15];
		crc = crc >> 4 ^ half[crc & 15];
	}
	return ~crc;
}

#if defined __x86_64__

static bool processor_can(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2);
}

__attribute__((target("sse4.2"))) static uint32_t by_processor(const unsigned char *p, size_t n)
{
	uint64_t crc = ~0u, word;

	for (; n >= sizeof word; n -= sizeof word, p += sizeof word) {
		memcpy(&word, p, sizeof word);
		crc = _mm_crc32_u64(crc, word);
	}
	for (; n; n--)
		crc = _mm_crc32_u8((uint32_t)crc, *p++);
	return ~(uint32_t)crc;
}

uint32_t crc32c(const void *bytes, size_t n)
{
	static int can = -1;   /* threads may find out at the same time: they find the same */

	if (__atomic_load_n(&can, __ATOMIC_RELAXED) < 0)
		__atomic_store_n(&can, processor_can(), __ATOMIC_RELAXED);
	return __atomic_load_n(&can, __ATOMIC_RELAXED) ? by_processor(bytes, n) : crc32c_by_table(bytes, n);
}

#else

uint32_t crc32c(const void *bytes, size_t n)
{
	return crc32c_by_table(bytes, n);
}

#endif
