/* ISC license. */

#include <stdatomic.h>

#include "crypto/crypto.h"
#include "crypto/implementation.h"

static br_block_ctr_class const *find_aes_ctr(void)
{
    br_block_ctr_class const *found = br_aes_x86ni_ctr_get_vtable();
    if (!found) found = br_aes_pwr8_ctr_get_vtable();
    return found ? found : &br_aes_ct64_ctr_vtable;
}

br_block_ctr_class const *crypto_aes_ctr(void)
{
    static _Atomic(br_block_ctr_class const *) kept;
    br_block_ctr_class const *found = atomic_load_explicit(&kept, memory_order_relaxed);
    if (!found) atomic_store_explicit(&kept, found = find_aes_ctr(), memory_order_relaxed);
    return found;
}

static br_ghash find_ghash(void)
{
    br_ghash found = br_ghash_pclmul_get();
    if (!found) found = br_ghash_pwr8_get();
    return found ? found : &br_ghash_ctmul64;
}

br_ghash crypto_ghash(void)
{
    static _Atomic(br_ghash) kept;
    br_ghash found = atomic_load_explicit(&kept, memory_order_relaxed);
    if (!found) atomic_store_explicit(&kept, found = find_ghash(), memory_order_relaxed);
    return found;
}

br_chacha20_run crypto_chacha20(void)
{
    static _Atomic(br_chacha20_run) kept;
    br_chacha20_run found = atomic_load_explicit(&kept, memory_order_relaxed);
    if (found) return found;
    found = br_chacha20_sse2_get();
    if (!found) found = &br_chacha20_ct_run;
    atomic_store_explicit(&kept, found, memory_order_relaxed);
    return found;
}

br_poly1305_run crypto_poly1305(void)
{
    br_poly1305_run const found = br_poly1305_ctmulq_get();
    return found ? found : &br_poly1305_ctmul_run;
}

int crypto_fast_aes(void)
{
    return crypto_aes_ctr() != &br_aes_ct64_ctr_vtable && crypto_ghash() != &br_ghash_ctmul64;
}

/* BearSSL has it after release 0.6. */
extern br_ec_impl const *br_ec_p256_m64_get(void) __attribute__((weak));

static char const *name_of_aes(void)
{
    if (br_aes_x86ni_ctr_get_vtable()) return "AES-NI";
    return crypto_fast_aes() ? "POWER8" : "64-bit, in software";
}

void crypto_implementations(struct crypto_implementation found[CRYPTO_IMPLEMENTATIONS])
{
    int const wide_curves = br_ec_p256_m64_get && br_ec_p256_m64_get();
    struct crypto_implementation const all[CRYPTO_IMPLEMENTATIONS] = {
        { "AES", name_of_aes() },
        { "GHASH", crypto_ghash() == &br_ghash_ctmul64 ? "64-bit, in software" : "carry-less multiplication" },
        { "ChaCha20", crypto_chacha20() == &br_chacha20_ct_run ? "in software" : "SSE2" },
        { "Poly1305", br_poly1305_ctmulq_get() ? "64-bit" : "32-bit" },
        { "elliptic curves", wide_curves ? "64-bit" : "31-bit" },
        { "RSA", br_rsa_i62_private_get() ? "62-bit" : "31-bit" },
    };
    for (size_t i = 0; i < CRYPTO_IMPLEMENTATIONS; i++) found[i] = all[i];
}
