/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): by the processor where it can, else by table. */
#ifndef CAUSEWAY_FORMAT_CRC32C_H
#define CAUSEWAY_FORMAT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of n bytes. */
uint32_t crc32c(const void *bytes, size_t n);

/* The same by table only: what other processors use. */
uint32_t crc32c_by_table(const void *bytes, size_t n);

#endif
