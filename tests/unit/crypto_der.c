/* ISC license. */

/* Ecdsa-Sig-Value in strict DER: every other writing of a good signature is refused (RFC 3279, 2.2.3; X.690).
 */

#include "crypto/crypto.h"

#include "crypto/vectors.h"
#include "hex.h"
#include "tap.h"

static struct crypto_public_key key;
static struct crypto_scheme const *scheme;
static unsigned char digest[CRYPTO_MAX_HASH];

/* A signature taken apart: content octets of its two INTEGERs. */
struct parts {
    unsigned char r[64], s[64];
    size_t r_len, s_len;
};

static struct parts take_apart(unsigned char const *der)
{
    struct parts parts = { .r_len = der[3], .s_len = der[5 + der[3]] };
    memcpy(parts.r, der + 4, parts.r_len);
    memcpy(parts.s, der + 6 + parts.r_len, parts.s_len);
    return parts;
}

static size_t put(unsigned char *to, unsigned char const *from, size_t len)
{
    memcpy(to, from, len);
    return len;
}

static size_t assemble(struct parts const *parts, unsigned char *der)
{
    size_t n = 2;
    der[n++] = 0x02;
    der[n++] = (unsigned char)parts->r_len;
    n += put(der + n, parts->r, parts->r_len);
    der[n++] = 0x02;
    der[n++] = (unsigned char)parts->s_len;
    n += put(der + n, parts->s, parts->s_len);
    der[0] = 0x30;
    der[1] = (unsigned char)(n - 2);
    return n;
}

static int accepts(unsigned char const *der, size_t len)
{
    return crypto_verify(&key, scheme, digest, der, len);
}

static void use(struct ec_vector const *v, struct bytes *signature, struct parts *parts)
{
    struct bytes const point = hex(v->point);
    memset(&key, 0, sizeof key);
    key = (struct crypto_public_key){ .type = CRYPTO_EC, .group = v->group, .point_len = point.len };
    memcpy(key.data, point.data, point.len);
    scheme = crypto_scheme_by_id(v->group == CRYPTO_SECP256R1 ? 0x0403 : 0x0503);
    crypto_hash(scheme->hash, MESSAGE, strlen(MESSAGE), digest);
    *signature = hex(v->signature);
    *parts = take_apart(signature->data);
}

static void other_lengths(struct bytes const *good)
{
    unsigned char der[256];
    size_t const n = good->len;

    memcpy(der, good->data, n);
    der[n] = 0;
    ok(!accepts(der, n + 1), "a trailing byte");
    der[1]++;
    ok(!accepts(der, n + 1), "a trailing byte inside the SEQUENCE");
    ok(!accepts(good->data, n - 1), "the last byte missing");
    memcpy(der + 1, good->data, n);
    der[0] = 0x30, der[1] = 0x81, der[2] = good->data[1];
    ok(!accepts(der, n + 1), "the SEQUENCE's length in long form");
    memcpy(der + 2, good->data, n);
    der[0] = 0x30, der[1] = 0x82, der[2] = 0, der[3] = good->data[1];
    ok(!accepts(der, n + 2), "the SEQUENCE's length in three bytes");
    memcpy(der, good->data, n);
    der[1] = 0x80, der[n] = der[n + 1] = 0;
    ok(!accepts(der, n + 2), "indefinite length");
    /* 30 len 02 81 rlen r ... */
    memcpy(der, good->data, 3);
    der[1]++, der[3] = 0x81;
    memcpy(der + 4, good->data + 3, n - 3);
    ok(!accepts(der, n + 1), "an INTEGER's length in long form");
    for (size_t len = 0; len < 9; len++) ok(!accepts(good->data, len), "only %zu bytes", len);
}

static void other_tags(struct bytes const *good)
{
    size_t const places[] = { 0, 2, (size_t)4 + good->data[3] };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int accepted = 0;
        for (int tag = 0; tag < 256; tag++) {
            struct bytes der = *good;
            if (der.data[places[i]] == tag) continue;
            der.data[places[i]] = (unsigned char)tag;
            accepted += accepts(der.data, der.len);
        }
        ok(!accepted, "no other tag at %zu", places[i]);
    }
}

static int accepts_parts(struct parts const *parts)
{
    unsigned char der[256];
    return accepts(der, assemble(parts, der));
}

static void widen(unsigned char *number, size_t *len)
{
    memmove(number + 1, number, (*len)++);
    number[0] = 0;
}

/* Takes away the zero octet that keeps a number positive; 0 when there is none. */
static int narrow(unsigned char *number, size_t *len)
{
    if (number[0]) return 0;
    memmove(number, number + 1, --*len);
    return 1;
}

static void other_integers(struct parts const *good, int *negative)
{
    struct parts p = *good;

    ok(accepts_parts(&p), "the signature put together again");
    widen(p.r, &p.r_len);
    ok(!accepts_parts(&p), "a leading zero in r");
    p = *good;
    widen(p.s, &p.s_len);
    ok(!accepts_parts(&p), "a leading zero in s");
    p = *good;
    if (narrow(p.r, &p.r_len)) *negative += !accepts_parts(&p);
    p = *good;
    if (narrow(p.s, &p.s_len)) *negative += !accepts_parts(&p);
    p = *good;
    p.r_len = 0;
    ok(!accepts_parts(&p), "an empty r");
    p = *good;
    p.s_len = 0;
    ok(!accepts_parts(&p), "an empty s");
    p = *good;
    p.r_len = 1, p.r[0] = 0;
    ok(!accepts_parts(&p), "r is zero");
    p = *good;
    p.s_len = 1, p.s[0] = 0;
    ok(!accepts_parts(&p), "s is zero");
    p.r_len = 1, p.r[0] = 0;
    ok(!accepts_parts(&p), "both are zero");
}

/* s + order is the same to arithmetic that reduces first. */
static void add_order(struct parts const *good, char const *order)
{
    struct bytes const n = hex(order);
    unsigned char sum[64] = { 0 };
    struct parts p = *good;
    unsigned int carry = 0;

    for (size_t i = 0; i < n.len; i++) {
        carry += n.data[n.len - 1 - i];
        if (i < good->s_len) carry += good->s[good->s_len - 1 - i];
        sum[n.len - i] = (unsigned char)carry;
        carry >>= 8;
    }
    sum[0] = (unsigned char)carry;
    size_t skip_zero = 0;
    while (!sum[skip_zero] && !(sum[skip_zero + 1] & 0x80)) skip_zero++;
    p.s_len = n.len + 1 - skip_zero;
    memcpy(p.s, sum + skip_zero, p.s_len);
    ok(!accepts_parts(&p), "s plus the order of the group");
}

int main(void)
{
    static char const p256_order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    static char const p384_order[] =
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    int negative = 0;

    for (size_t i = 0; i < sizeof ec_vectors / sizeof *ec_vectors; i++) {
        struct bytes signature;
        struct parts parts;
        use(ec_vectors + i, &signature, &parts);
        ok(accepts(signature.data, signature.len), "signature %zu", i);
        other_lengths(&signature);
        other_tags(&signature);
        other_integers(&parts, &negative);
        add_order(&parts, ec_vectors[i].group == CRYPTO_SECP256R1 ? p256_order : p384_order);
    }
    ok(negative, "negative numbers were tried and refused: %d", negative);
    return done_testing();
}
