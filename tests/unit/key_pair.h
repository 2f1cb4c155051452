/* ISC license. */

/* Key pairs of the vectors, as crypto.h has them. */

#ifndef KEY_PAIR_H
#define KEY_PAIR_H

#include "crypto/crypto.h"

#include "crypto/vectors.h"
#include "hex.h"

struct key_pair {
    struct crypto_public_key public_key;
    struct crypto_private_key private_key;
};

static inline size_t append(unsigned char *to, size_t *at, char const *number)
{
    struct bytes const b = hex(number);
    memcpy(to + *at, b.data, b.len);
    *at += b.len;
    return b.len;
}

static inline struct key_pair rsa_pair(struct rsa_vector const *v)
{
    static struct key_pair pair;
    struct crypto_private_key *key = &pair.private_key;
    size_t at = 0;

    memset(&pair, 0, sizeof pair);
    pair.public_key.type = key->type = CRYPTO_RSA;
    pair.public_key.modulus_len = append(pair.public_key.data, &at, v->n);
    pair.public_key.exponent_len = append(pair.public_key.data, &at, v->e);
    at = 0;
    key->modulus_bits = v->bits;
    key->p_len = append(key->data, &at, v->p);
    key->q_len = append(key->data, &at, v->q);
    key->dp_len = append(key->data, &at, v->dp);
    key->dq_len = append(key->data, &at, v->dq);
    key->iq_len = append(key->data, &at, v->iq);
    return pair;
}

static inline struct key_pair ec_pair(struct ec_vector const *v)
{
    static struct key_pair pair;
    size_t at = 0;

    memset(&pair, 0, sizeof pair);
    pair.public_key.type = pair.private_key.type = CRYPTO_EC;
    pair.public_key.group = pair.private_key.group = v->group;
    pair.public_key.point_len = append(pair.public_key.data, &at, v->point);
    at = 0;
    pair.private_key.scalar_len = append(pair.private_key.data, &at, v->scalar);
    return pair;
}

#endif
