/* ISC license. */

/*
 * Private to this layer: BearSSL's best constant-time implementations for this
 * CPU. Each question to BearSSL executes CPUID, which in a virtual machine
 * leaves the guest, so the answers are kept.
 */

#ifndef KTLS_CRYPTO_IMPLEMENTATION_H
#define KTLS_CRYPTO_IMPLEMENTATION_H

#include <bearssl.h>

extern br_block_ctr_class const *crypto_aes_ctr(void);
extern br_ghash crypto_ghash(void);
extern br_chacha20_run crypto_chacha20(void);
extern br_poly1305_run crypto_poly1305(void);

#endif
