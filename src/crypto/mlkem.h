/* ISC license. */

/*
 * ML-KEM-768 (FIPS 203), the key-encapsulation mechanism of the hybrid groups.
 *
 * Sizes are in bytes. Neither a branch nor an index depends on a secret; the
 * caller wipes keys and secrets.
 */

#ifndef KTLS_MLKEM_H
#define KTLS_MLKEM_H

#define MLKEM_SEED 32 /* each of d, z and m */
#define MLKEM_SECRET 32
#define MLKEM_ENCAPSULATION_KEY 1184
#define MLKEM_DECAPSULATION_KEY 2400
#define MLKEM_CIPHERTEXT 1088

/* Algorithm 16, ML-KEM.KeyGen_internal. */
extern void crypto_mlkem_keygen(unsigned char const d[MLKEM_SEED], unsigned char const z[MLKEM_SEED],
                         unsigned char ek[MLKEM_ENCAPSULATION_KEY], unsigned char dk[MLKEM_DECAPSULATION_KEY]);

/* Algorithm 17, ML-KEM.Encaps_internal, after the check of 7.2: 0 when ek is
   not an encapsulation key, else 1. */
extern int crypto_mlkem_encapsulate(unsigned char const ek[MLKEM_ENCAPSULATION_KEY], unsigned char const m[MLKEM_SEED],
                             unsigned char ciphertext[MLKEM_CIPHERTEXT], unsigned char secret[MLKEM_SECRET]);

/* Algorithm 18, ML-KEM.Decaps_internal. dk is from mlkem_keygen. A ciphertext
   that was not made with its key gives a secret that only we know: nothing
   tells whether that happened (implicit rejection). */
extern void crypto_mlkem_decapsulate(unsigned char const dk[MLKEM_DECAPSULATION_KEY],
                              unsigned char const ciphertext[MLKEM_CIPHERTEXT], unsigned char secret[MLKEM_SECRET]);

#endif
