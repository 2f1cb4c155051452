/* ISC license. */

#include <bearssl.h>
#include <string.h>

#include "x509/der.h"
#include "x509/pem.h"

#define MIN_RSA_BITS (8 * X509_MIN_MODULUS)
#define MAX_RSA_BITS (8 * CRYPTO_MAX_SIGNATURE)
#define MAX_FACTOR (sizeof ((struct crypto_private_key *)0)->data / 5) /* of which there are five: p, q, dp, dq, iq */
#define MAX_KEY_BODY 8192 /* bytes of base64; RSA of 4096 bits needs 3300 */

static enum x509_error rsa_private(br_rsa_private_key const *from, struct crypto_private_key *to)
{
    struct {
        unsigned char const *p;
        size_t len, *to_len;
    } const parts[] = {{from->p, from->plen, &to->p_len},
                       {from->q, from->qlen, &to->q_len},
                       {from->dp, from->dplen, &to->dp_len},
                       {from->dq, from->dqlen, &to->dq_len},
                       {from->iq, from->iqlen, &to->iq_len}};
    unsigned char *end = to->data;
    if (from->n_bitlen < MIN_RSA_BITS || from->n_bitlen > MAX_RSA_BITS) return X509_WEAK_KEY;
    to->type = CRYPTO_RSA;
    to->modulus_bits = from->n_bitlen;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t const len = *parts[i].to_len = parts[i].len;
        if (!len || len > MAX_FACTOR) return X509_UNSUPPORTED;
        memcpy(end, parts[i].p, len);
        end += len;
    }
    return X509_OK;
}

/* RFC 5915, 3: a scalar has the length of the order of the group; some programs omit leading zeros. */
static enum x509_error ec_private(br_ec_private_key const *from, struct crypto_private_key *to)
{
    size_t const len = crypto_share_size((uint16_t)from->curve) / 2;
    if (len < 32) return X509_UNSUPPORTED;
    if (!from->xlen || from->xlen > len) return X509_NO_KEY;
    to->type = CRYPTO_EC;
    to->group = (uint16_t)from->curve;
    to->scalar_len = len;
    memcpy(to->data + len - from->xlen, from->x, from->xlen);
    return X509_OK;
}

static enum x509_error decoded(br_skey_decoder_context const *decoder, struct crypto_private_key *key)
{
    int const error = br_skey_decoder_last_error(decoder);
    if (error) return error == BR_ERR_X509_UNSUPPORTED ? X509_UNSUPPORTED : X509_NO_KEY;
    switch (br_skey_decoder_key_type(decoder)) {
    case BR_KEYTYPE_RSA: return rsa_private(br_skey_decoder_get_rsa(decoder), key);
    case BR_KEYTYPE_EC: return ec_private(br_skey_decoder_get_ec(decoder), key);
    default: return X509_UNSUPPORTED;
    }
}

/* An EC key usually ends with its public key (RFC 5915, 3). To compute it would take as long as the signature of a
   handshake. */
static int tells_public_key(struct der der, struct crypto_private_key const *private_key,
                            struct crypto_public_key const *public_key)
{
    size_t const len = public_key->point_len;
    return private_key->type == CRYPTO_EC && public_key->type == CRYPTO_EC
           && private_key->group == public_key->group && len <= der.len
           && crypto_equal(der.p + der.len - len, public_key->data, len);
}

static enum x509_error key_from_der(struct der der, struct crypto_public_key const *public_key,
                                    struct crypto_private_key *key)
{
    br_skey_decoder_context decoder;
    br_skey_decoder_init(&decoder);
    br_skey_decoder_push(&decoder, der.p, der.len);
    enum x509_error const error = decoded(&decoder, key);
    crypto_wipe(&decoder, sizeof decoder);
    crypto_wipe_stack();
    if (error) return error;
    return tells_public_key(der, key, public_key) || crypto_key_matches(key, public_key) ? X509_OK
                                                                                         : X509_KEY_MISMATCH;
}

static enum x509_error key_from_block(struct pem const *pem, struct crypto_public_key const *public_key,
                                      struct crypto_private_key *key)
{
    unsigned char buf[PEM_DECODED(MAX_KEY_BODY)];
    struct der der = {.p = buf, .len = 0};
    if (pem->body_len > MAX_KEY_BODY) return X509_UNSUPPORTED;
    enum x509_error error = X509_NO_KEY;
    if (x509_base64_decode(pem->body, pem->body_len, buf, &der.len)) error = key_from_der(der, public_key, key);
    crypto_wipe(buf, sizeof buf);
    return error;
}

enum x509_error x509_key_private(unsigned char const *bytes, size_t len,
                            struct crypto_public_key const *public_key, struct crypto_private_key *key)
{
    struct der const whole = {.p = bytes, .len = len};
    struct der content;
    struct pem pem;
    memset(key, 0, sizeof *key);
    if (x509_der_only(whole, DER_SEQUENCE, &content)) return key_from_der(whole, public_key, key);
    x509_pem_init(&pem, bytes, len);
    while (x509_pem_next(&pem)) {
        if (x509_pem_is_encrypted_key(&pem)) return X509_ENCRYPTED_KEY;
        if (x509_pem_is_private_key(&pem)) return key_from_block(&pem, public_key, key);
    }
    return X509_NO_KEY;
}
