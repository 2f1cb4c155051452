/* ISC license. */

/* SHA-3 and SHAKE (FIPS 202), for ML-KEM. BearSSL has SHAKE only after 0.6, and no SHA-3. */

#ifndef KTLS_KECCAK_H
#define KTLS_KECCAK_H

#include <stddef.h>
#include <stdint.h>

#define SHA3_256_SIZE 32
#define SHA3_512_SIZE 64

/* Rates in bytes (FIPS 202, 6). */
enum keccak_rate { SHAKE128_RATE = 168, SHAKE256_RATE = 136, SHA3_256_RATE = 136, SHA3_512_RATE = 72 };

struct keccak {
    uint64_t lane[25];
    size_t rate, at; /* at: bytes of the current block that were absorbed or squeezed */
};

extern void crypto_keccak_init(struct keccak *state, enum keccak_rate rate);
extern void crypto_keccak_absorb(struct keccak *state, void const *data, size_t len);
/* Ends the input of SHAKE; squeeze follows, as often as wanted. */
extern void crypto_keccak_finish_shake(struct keccak *state);
extern void crypto_keccak_squeeze(struct keccak *state, void *out, size_t len);
/* Ends the input of SHA-3, gives the digest, and wipes the state. */
extern void crypto_keccak_finish_sha3(struct keccak *state, unsigned char *digest, size_t len);

#endif
