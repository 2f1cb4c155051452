/* ISC license. */

/* Key exchange: X25519 (RFC 7748), the NIST curves, the hybrid groups; what a peer may not send. */

#include "crypto/crypto.h"

#include "crypto/vectors.h"
#include "hex.h"
#include "tap.h"
#include "x25519.h"

static struct crypto_share x25519_share(struct bytes scalar)
{
    struct bytes const drawn = x25519_scalar(scalar);
    struct script script = { drawn.data, 32 };
    struct crypto_random const random = script_random(&script);
    struct crypto_share share;
    memset(&share, 0xff, sizeof share);
    if (!crypto_share_generate(&share, CRYPTO_X25519, &random) || script.left) abort();
    return share;
}

/* RFC 7748, 5.2 and 6.1. */
static void x25519(void)
{
    static struct {
        char const *scalar, *u, *out;
    } const known[] = {
        { "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
          "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
          "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
        { "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
          "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
          "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
        { "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
          "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
          "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
    };
    unsigned char secret[CRYPTO_MAX_SHARED_SECRET];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct bytes const scalar = hex(known[i].scalar), u = hex(known[i].u), want = hex(known[i].out);
        struct crypto_share const share = x25519_share(scalar);
        ok(crypto_share_agree(&share, share.group, u.data, u.len, secret) == 32, "X25519 %zu agrees", i);
        is_mem(secret, want.data, want.len, "X25519 %zu: secret", i);
    }
    struct bytes const bob = hex(known[2].scalar);
    struct bytes const public_key = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    struct crypto_share const share = x25519_share(bob);
    ok(share.group == CRYPTO_X25519 && share.public_len == 32, "X25519 share: group and length");
    is_mem(share.public_key, public_key.data, 32, "X25519 share: RFC 7748, 6.1");
}

static void x25519_iterated(void)
{
    struct bytes k = hex("0900000000000000000000000000000000000000000000000000000000000000"), u = k;
    struct bytes const once = hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    struct bytes const thousand = hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
    unsigned char secret[CRYPTO_MAX_SHARED_SECRET];

    for (int i = 1; i <= 1000; i++) {
        struct crypto_share const share = x25519_share(k);
        if (crypto_share_agree(&share, share.group, u.data, 32, secret) != 32) break;
        u = k;
        memcpy(k.data, secret, 32);
        if (i == 1) is_mem(secret, once.data, 32, "X25519 iterated once");
    }
    is_mem(k.data, thousand.data, 32, "X25519 iterated 1000 times");
}

/* Points of small order: whatever our scalar, the result is zero. */
static void x25519_small_order(void)
{
    static char const *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    unsigned char secret[CRYPTO_MAX_SHARED_SECRET];
    struct crypto_share share;

    crypto_share_generate(&share, CRYPTO_X25519, &crypto_random_os);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        struct bytes const u = hex(points[i]);
        ok(crypto_share_agree(&share, share.group, u.data, u.len, secret) == 0, "X25519 point of small order %zu", i);
    }
}

static void known_nist(struct ec_vector const *v, size_t number)
{
    struct bytes const scalar = hex(v->scalar), point = hex(v->point), peer = hex(v->peer),
                       want = hex(v->secret);
    struct crypto_share share = { .group = v->group, .public_len = point.len };
    unsigned char secret[CRYPTO_MAX_SHARED_SECRET];

    memcpy(share.private_key, scalar.data, scalar.len);
    memcpy(share.public_key, point.data, point.len);
    ok(crypto_share_size(v->group) == point.len, "curve %zu: size of a share", number);
    ok(crypto_share_agree(&share, share.group, peer.data, peer.len, secret) == want.len, "curve %zu: agrees", number);
    is_mem(secret, want.data, want.len, "curve %zu: ECDH", number);
}

/* The public point of a drawn scalar is what another implementation computes. */
static void generated_nist(struct ec_vector const *v, size_t number)
{
    struct bytes const scalar = hex(v->scalar), point = hex(v->point);
    struct crypto_share share;
    unsigned char drawn[4 * 48];

    /* Scalars are drawn until one is below the order: these two are not in range. */
    memset(drawn, 0xff, scalar.len);
    memset(drawn + scalar.len, 0, scalar.len);
    for (size_t i = 0; i < scalar.len; i++) {
        drawn[2 * scalar.len + i] = scalar.data[i];
        drawn[3 * scalar.len + i] = scalar.data[scalar.len - 1 - i];
    }
    struct script script = { drawn, sizeof drawn };
    struct crypto_random const random = script_random(&script);
    ok(crypto_share_generate(&share, v->group, &random), "curve %zu: share generated", number);
    ok(script.left <= sizeof drawn - 3 * scalar.len, "curve %zu: scalars out of range are drawn again",
       number);
    is_mem(share.public_key, point.data, point.len, "curve %zu: public point", number);
    is_mem(share.private_key, scalar.data, scalar.len, "curve %zu: scalar as drawn", number);
}

static size_t agree_with(struct crypto_share const *share, unsigned char const *point, size_t len)
{
    unsigned char secret[CRYPTO_MAX_SHARED_SECRET];
    return crypto_share_agree(share, share->group, point, len, secret);
}

static void bad_points(struct ec_vector const *v)
{
    struct bytes const peer = hex(v->peer), p256 = hex(ec_vectors[0].peer), p384 = hex(ec_vectors[3].peer);
    struct bytes const other = v->group == CRYPTO_SECP256R1 ? p384 : p256;
    struct bytes point;
    struct crypto_share share;
    int const g = v->group;
    int accepted = 0;

    crypto_share_generate(&share, v->group, &crypto_random_os);
    ok(agree_with(&share, peer.data, peer.len) == (peer.len - 1) / 2, "group %d: a good point", g);
    for (int form = 0; form < 256; form++) {
        point = peer;
        point.data[0] = (unsigned char)form;
        accepted += form != 4 && agree_with(&share, point.data, point.len);
    }
    ok(!accepted, "group %d: no form but uncompressed", g);
    point.data[0] = (unsigned char)(2 | (peer.data[peer.len - 1] & 1));
    ok(!agree_with(&share, point.data, (peer.len + 1) / 2), "group %d: compressed point", g);
    accepted = 0;
    for (size_t bit = 8; bit < 8 * peer.len; bit++) {
        point = peer;
        point.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        accepted += agree_with(&share, point.data, point.len) != 0;
    }
    ok(!accepted, "group %d: no point off the curve", g);
    accepted = 0;
    for (size_t len = 0; len < peer.len; len++) accepted += agree_with(&share, peer.data, len) != 0;
    point = peer;
    point.data[point.len] = 0;
    accepted += agree_with(&share, point.data, point.len + 1) != 0;
    ok(!accepted, "group %d: no other length", g);
    ok(!agree_with(&share, other.data, other.len), "group %d: a point of the other curve", g);
    memset(point.data + 1, 0, sizeof point.data - 1);
    point.data[0] = 4;
    ok(!agree_with(&share, point.data, peer.len), "group %d: coordinates zero", g);
    memset(point.data + 1, 0xff, sizeof point.data - 1);
    ok(!agree_with(&share, point.data, peer.len), "group %d: coordinates not below p", g);
    ok(!crypto_point_is_reduced(v->group, point.data, peer.len), "group %d: they are found to be so", g);
    point.data[0] = 0;
    ok(!agree_with(&share, point.data, 1) && !agree_with(&share, point.data, peer.len),
       "group %d: the point at infinity", g);
}

/* x and y + p are the same point to lax arithmetic: (0, sqrt b) has a y that leaves room. */
static void not_reduced(void)
{
    struct bytes const reduced = hex(
        "04000000000000000000000000000000000000000000000000000000000000000066485c780e2f83d72433bd5d84a06bb65"
        "41c2af31dae871728bf856a174f93f4");
    struct bytes const plus_p = hex(
        "04ffffffff00000001000000000000000000000000ffffffffffffffffffffffff66485c780e2f83d72433bd5d84a06bb65"
        "41c2af31dae871728bf856a174f93f4");
    struct crypto_share share;

    crypto_share_generate(&share, CRYPTO_SECP256R1, &crypto_random_os);
    ok(agree_with(&share, reduced.data, reduced.len) == 32, "P-256: the point with x = 0");
    ok(!agree_with(&share, plus_p.data, plus_p.len), "P-256: the same with x = p");
}

/* Each coordinate at p - 1 and at p. */
static void bounds_of_coordinates(void)
{
    static struct {
        uint16_t group;
        char const *below; /* p - 1 */
    } const fields[] = {
        { CRYPTO_SECP256R1, "ffffffff00000001000000000000000000000000fffffffffffffffffffffffe" },
        { CRYPTO_SECP384R1, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
                            "ffffffff0000000000000000fffffffe" },
        { CRYPTO_SECP521R1, "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe" },
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct bytes const below = hex(fields[i].below);
        size_t const len = 1 + 2 * below.len;
        unsigned char point[1 + 2 * 66 + 1] = { 4 };
        uint16_t const g = fields[i].group;
        memcpy(point + 1, below.data, below.len);
        memcpy(point + 1 + below.len, below.data, below.len);
        ok(crypto_point_is_reduced(g, point, len), "group %d: coordinates p - 1", g);
        for (size_t last = below.len; last < len; last += below.len) {
            point[last]++;
            ok(!crypto_point_is_reduced(g, point, len), "group %d: a coordinate p at %zu", g, last);
            point[last]--;
        }
        ok(!crypto_point_is_reduced(g, point, len - 1) && !crypto_point_is_reduced(g, point, len + 1),
           "group %d: another length", g);
        point[0] = 3;
        ok(!crypto_point_is_reduced(g, point, len), "group %d: another form", g);
    }
}

static void round_trips(void)
{
    static uint16_t const groups[] = { CRYPTO_X25519, CRYPTO_SECP256R1, CRYPTO_SECP384R1, CRYPTO_SECP521R1 };

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        struct crypto_share a, b;
        unsigned char x[CRYPTO_MAX_SHARED_SECRET], y[CRYPTO_MAX_SHARED_SECRET];
        crypto_share_generate(&a, groups[i], &crypto_random_os);
        crypto_share_generate(&b, groups[i], &crypto_random_os);
        size_t const n = crypto_share_agree(&a, a.group, b.public_key, b.public_len, x);
        size_t const m = crypto_share_agree(&b, b.group, a.public_key, a.public_len, y);
        ok(n && n == m && !memcmp(x, y, n), "group %d: both sides agree", groups[i]);
        ok(memcmp(a.public_key, b.public_key, a.public_len) != 0, "group %d: shares differ", groups[i]);
    }
}

/* ---- hybrid groups ---- */

static struct hybrid_case {
    uint16_t group, curve;
    size_t client, server, kem_at_client, kem_at_server, kem_in_secret;
} const hybrid_cases[] = {
    { CRYPTO_X25519MLKEM768, CRYPTO_X25519, 1216, 1120, 0, 0, 0 },
    { CRYPTO_SECP256R1MLKEM768, CRYPTO_SECP256R1, 1249, 1153, 65, 65, 32 },
};

struct exchange {
    struct crypto_share client, server;
    unsigned char client_secret[CRYPTO_MAX_SHARED_SECRET], server_secret[CRYPTO_MAX_SHARED_SECRET];
};

static size_t answer(struct exchange *x, size_t len)
{
    return crypto_share_answer(&x->server, x->client.group, &crypto_random_os, x->client.public_key, len,
                               x->server_secret);
}

static size_t finish(struct exchange *x, size_t len)
{
    return crypto_share_agree(&x->client, x->client.group, x->server.public_key, len, x->client_secret);
}

static void hybrid_agrees(struct hybrid_case const *c, struct exchange *x)
{
    crypto_share_generate(&x->client, c->group, &crypto_random_os);
    ok(x->client.public_len == c->client && crypto_share_size(c->group) == c->client, "group %d: client's share", c->group);
    ok(answer(x, x->client.public_len) == 64, "group %d: the server agrees", c->group);
    ok(x->server.public_len == c->server, "group %d: server's share", c->group);
    ok(finish(x, x->server.public_len) == 64, "group %d: the client agrees", c->group);
    is_mem(x->client_secret, x->server_secret, 64, "group %d: on the same secret", c->group);
    ok(crypto_group_is_hybrid(c->group) && !crypto_group_is_hybrid(c->curve), "group %d is hybrid", c->group);
}

/* Each part counts, and stands where the draft has it: a changed ciphertext
   changes ML-KEM's half of the secret only. */
static void hybrid_order(struct hybrid_case const *c, struct exchange *x)
{
    unsigned char before[CRYPTO_MAX_SHARED_SECRET];
    size_t const curve_in_secret = 32 - c->kem_in_secret;
    memcpy(before, x->client_secret, sizeof before);
    for (size_t at = c->kem_at_server; at < c->kem_at_server + 1088; at += 1087) {
        x->server.public_key[at] ^= 1;
        ok(finish(x, c->server) == 64, "group %d: a changed ciphertext is not seen", c->group);
        ok(memcmp(before + c->kem_in_secret, x->client_secret + c->kem_in_secret, 32) != 0,
           "group %d: but gives another secret", c->group);
        is_mem(x->client_secret + curve_in_secret, before + curve_in_secret, 32, "group %d: in one half", c->group);
        x->server.public_key[at] ^= 1;
    }
}

static void hybrid_refuses(struct hybrid_case const *c, struct exchange *x)
{
    size_t const curve_at_client = c->kem_at_client ? 0 : 1184, curve_at_server = c->kem_at_server ? 0 : 1088;
    size_t const curve_len = c->client - 1184;

    ok(!answer(x, c->client - 1) && !answer(x, c->client + 1), "group %d: another length, server", c->group);
    ok(!finish(x, c->server - 1) && !finish(x, c->server + 1), "group %d: another length, client", c->group);
    memset(x->server.public_key + curve_at_server, 0, curve_len);
    ok(!finish(x, c->server), "group %d: an invalid point, client", c->group);
    x->client.public_key[c->kem_at_client] = 0xff;
    x->client.public_key[c->kem_at_client + 1] |= 15;
    ok(!answer(x, c->client), "group %d: an invalid encapsulation key", c->group);
    crypto_share_generate(&x->client, c->group, &crypto_random_os);
    memset(x->client.public_key + curve_at_client, 0, curve_len);
    ok(!answer(x, c->client), "group %d: an invalid point, server", c->group);
}

/* The share of a hybrid group serves its curve too. */
static void hybrid_alone(struct hybrid_case const *c, struct exchange *x)
{
    unsigned char const *point;
    crypto_share_generate(&x->client, c->group, &crypto_random_os);
    size_t const len = crypto_share_public(&x->client, c->curve, &point);
    ok(len == crypto_share_size(c->curve), "group %d: its curve's share", c->group);
    size_t const n = crypto_share_answer(&x->server, c->curve, &crypto_random_os, point, len, x->server_secret);
    ok(n == 32 && x->server.public_len == len, "group %d: a server with the curve alone", c->group);
    ok(crypto_share_agree(&x->client, c->curve, x->server.public_key, len, x->client_secret) == n &&
           !memcmp(x->client_secret, x->server_secret, n),
       "group %d: agrees", c->group);
    ok(!crypto_share_public(&x->client, CRYPTO_SECP384R1, &point) &&
           !crypto_share_agree(&x->client, CRYPTO_SECP384R1, x->server.public_key, 97, x->client_secret),
       "group %d: not with a third group", c->group);
    ok(!crypto_share_agree(&x->server, c->group, x->client.public_key, c->server, x->client_secret),
       "group %d: not from the curve alone", c->group);
}

static void hybrids(void)
{
    for (size_t i = 0; i < sizeof hybrid_cases / sizeof *hybrid_cases; i++) {
        static struct exchange x;
        hybrid_agrees(&hybrid_cases[i], &x);
        hybrid_order(&hybrid_cases[i], &x);
        hybrid_refuses(&hybrid_cases[i], &x);
        hybrid_alone(&hybrid_cases[i], &x);
    }
}

static void unknown_groups(void)
{
    static uint16_t const groups[] = { 0, 1, 22, 26, 28, 30, 256, 0x0a0a, 0x0200, 0x11ed, 0xffff };
    int known = 0;

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        struct crypto_share share;
        known += crypto_share_size(groups[i]) != 0;
        known += crypto_share_generate(&share, groups[i], &crypto_random_os) != 0;
    }
    ok(!known, "no other group");
    ok(crypto_share_size(CRYPTO_X25519) == 32, "size of an X25519 share");
}

int main(void)
{
    x25519();
    x25519_iterated();
    x25519_small_order();
    for (size_t i = 0; i < sizeof ec_vectors / sizeof *ec_vectors; i++) {
        known_nist(ec_vectors + i, i);
        generated_nist(ec_vectors + i, i);
    }
    bad_points(ec_vectors);
    bad_points(ec_vectors + 3);
    not_reduced();
    bounds_of_coordinates();
    round_trips();
    hybrids();
    unknown_groups();
    return done_testing();
}
