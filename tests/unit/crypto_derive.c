/* ISC license. */

/* Hashes, HKDF, the TLS 1.2 PRF, comparison, and the key schedule of RFC 8448, 3. */

#include "crypto/crypto.h"

#include "crypto/vectors.h"
#include "hex.h"
#include "tap.h"

static void hashes(void)
{
    static struct {
        enum crypto_hash hash;
        char const *empty, *abc;
    } const known[] = {
        { CRYPTO_SHA256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { CRYPTO_SHA384,
          "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
          "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a"
          "7" },
        { CRYPTO_SHA512,
          "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
          "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
    };
    struct crypto_transcript transcript, copy;
    unsigned char out[CRYPTO_MAX_HASH];

    crypto_transcript_init(&transcript);
    copy = transcript;
    crypto_transcript_add(&copy, "ab", 2);
    crypto_transcript_add(&copy, "c", 1);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        enum crypto_hash const h = known[i].hash;
        struct bytes const empty = hex(known[i].empty), abc = hex(known[i].abc);
        ok(crypto_hash_size(h) == abc.len, "hash %d: %zu bytes", h, abc.len);
        crypto_hash(h, "abc", 3, out);
        is_mem(out, abc.data, abc.len, "hash %d of abc", h);
        crypto_hash(h, NULL, 0, out);
        is_mem(out, empty.data, empty.len, "hash %d of nothing", h);
        ok(crypto_transcript_hash(&transcript, h, out) == empty.len && !memcmp(out, empty.data, empty.len),
           "transcript of nothing, hash %d", h);
        crypto_transcript_hash(&copy, h, out);
        is_mem(out, abc.data, abc.len, "transcript of ab, c: hash %d", h);
        crypto_transcript_hash(&copy, h, out);
        is_mem(out, abc.data, abc.len, "reading a transcript leaves it as it is, hash %d", h);
    }
}

/* RFC 4231: test cases 1, 2 and 6 (a key longer than a block). */
static void hmacs(void)
{
    static struct {
        enum crypto_hash hash;
        char const *key, *data, *out;
    } const known[] = {
        { CRYPTO_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { CRYPTO_SHA384, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
          "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb"
          "6" },
        { CRYPTO_SHA512, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
          "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
    };
    unsigned char out[CRYPTO_MAX_HASH], long_key[131];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct bytes const key = hex(known[i].key), data = hex(known[i].data), want = hex(known[i].out);
        crypto_hmac(known[i].hash, key.data, key.len, data.data, data.len, out);
        is_mem(out, want.data, want.len, "HMAC, hash %d", known[i].hash);
    }
    char const text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    struct bytes const want = hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    memset(long_key, 0xaa, sizeof long_key);
    crypto_hmac(CRYPTO_SHA256, long_key, sizeof long_key, text, sizeof text - 1, out);
    is_mem(out, want.data, want.len, "HMAC with a key longer than a block");
}

/* RFC 5869, appendix A: the extract step of the SHA-256 cases. */
static void extracts(void)
{
    static struct {
        char const *ikm, *salt, *prk;
    } const known[] = {
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
          "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5" },
        { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
          "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
          "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828384858687"
          "88898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
          "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244" },
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",
          "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04" },
    };
    unsigned char out[CRYPTO_MAX_HASH];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct bytes const ikm = hex(known[i].ikm), salt = hex(known[i].salt), prk = hex(known[i].prk);
        crypto_hkdf_extract(CRYPTO_SHA256, salt.data, salt.len, ikm.data, ikm.len, out);
        is_mem(out, prk.data, prk.len, "HKDF-Extract, case %zu", i + 1);
    }
}

static void labels(void)
{
    unsigned char out[255];

    for (size_t i = 0; i < sizeof label_vectors / sizeof *label_vectors; i++) {
        struct label_vector const *v = label_vectors + i;
        struct bytes const secret = hex(v->secret), context = hex(v->context), want = hex(v->out);
        crypto_hkdf_expand_label(v->hash, secret.data, v->label, context.data, context.len, out, want.len);
        is_mem(out, want.data, want.len, "HKDF-Expand-Label %zu: \"%.16s\", %zu bytes", i, v->label,
               want.len);
    }
}

static void prfs(void)
{
    unsigned char out[128];

    for (size_t i = 0; i < sizeof prf_vectors / sizeof *prf_vectors; i++) {
        struct prf_vector const *v = prf_vectors + i;
        struct bytes const secret = hex(v->secret), seed = hex(v->seed), want = hex(v->out);
        crypto_tls12_prf(v->hash, secret.data, secret.len, v->label, seed.data, seed.len, out, want.len);
        is_mem(out, want.data, want.len, "PRF %zu: \"%s\", %zu bytes", i, v->label, want.len);
    }
    /* The vector that circulates for the SHA-256 PRF. */
    struct bytes const secret = hex("9bbe436ba940f017b17652849a71db35"),
                       seed = hex("a0ba9f936cda311827a6f796ffd5198c");
    struct bytes const want =
        hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9"
            "c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789ba"
            "a48082d122ee42c5a72e5a5110fff70187347b66");
    crypto_tls12_prf(CRYPTO_SHA256, secret.data, secret.len, "test label", seed.data, seed.len, out,
                     want.len);
    is_mem(out, want.data, want.len, "PRF: \"test label\"");
}

/* RFC 8448, 3: from the (EC)DHE secret and the transcript hashes to the traffic keys. */
static void derive(char const *secret, char const *label, char const *context, char const *want)
{
    struct bytes const s = hex(secret), c = hex(context), w = hex(want);
    unsigned char out[CRYPTO_MAX_HASH];

    crypto_hkdf_expand_label(CRYPTO_SHA256, s.data, label, c.data, c.len, out, w.len);
    is_mem(out, w.data, w.len, "RFC 8448: %s", label);
}

static void extract(char const *what, char const *salt, char const *ikm, char const *want)
{
    struct bytes const s = hex(salt), i = hex(ikm), w = hex(want);
    unsigned char out[CRYPTO_MAX_HASH];

    crypto_hkdf_extract(CRYPTO_SHA256, s.data, s.len, i.data, i.len, out);
    is_mem(out, w.data, w.len, "RFC 8448: %s secret", what);
}

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HELLO_HASH "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8"
#define FINISHED_HASH "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13"
#define EARLY "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"
#define EARLY_DERIVED "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"
#define SHARED "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"
#define HANDSHAKE "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"
#define CLIENT_HS "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"
#define SERVER_HS "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"
#define HANDSHAKE_DERIVED "43de77e0c77713859a944db9db2590b53190a65b3ee2e4f12dd7a0bb7ce254b4"
#define MASTER "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919"

static void key_schedule(void)
{
    extract("early", "", ZERO, EARLY);
    derive(EARLY, "derived", EMPTY_HASH, EARLY_DERIVED);
    extract("handshake", EARLY_DERIVED, SHARED, HANDSHAKE);
    derive(HANDSHAKE, "c hs traffic", HELLO_HASH, CLIENT_HS);
    derive(HANDSHAKE, "s hs traffic", HELLO_HASH, SERVER_HS);
    derive(SERVER_HS, "finished", "", "008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8");
    derive(CLIENT_HS, "finished", "", "b80ad01015fb2f0bd65ff7d4da5d6bf83f84821d1f87fdc7d3c75b5a7b42d9c4");
    derive(HANDSHAKE, "derived", EMPTY_HASH, HANDSHAKE_DERIVED);
    extract("master", HANDSHAKE_DERIVED, ZERO, MASTER);
    derive(MASTER, "c ap traffic", FINISHED_HASH,
           "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
    derive(MASTER, "s ap traffic", FINISHED_HASH,
           "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
    derive(MASTER, "exp master", FINISHED_HASH,
           "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50");
}

static void traffic_keys(void)
{
    struct crypto_suite const *suite = crypto_suite_by_id(0x1301);
    struct bytes const secret = hex(SERVER_HS), key = hex("3fce516009c21727d0f2e4e86ee403bc");
    struct bytes const iv = hex("5d313eb2671276ee13000b30");
    struct ktls_traffic_keys keys;

    memset(&keys, 0xff, sizeof keys);
    crypto_traffic_keys(suite, secret.data, &keys);
    is_mem(keys.key, key.data, key.len, "RFC 8448: server handshake key");
    is_mem(keys.iv, iv.data, iv.len, "RFC 8448: server handshake IV");
    ok(keys.seq == 0 && keys.version == KTLS_TLS_1_3 && keys.cipher == KTLS_AES_128_GCM,
       "version, cipher and sequence number are set");
}

static void comparison(void)
{
    unsigned char a[300], b[300];
    int wrong = 0;

    for (size_t i = 0; i < sizeof a; i++) a[i] = b[i] = (unsigned char)i;
    ok(crypto_equal(a, b, sizeof a) == 1, "equal bytes");
    ok(crypto_equal(a, b, 0) == 1, "nothing equals nothing");
    for (size_t i = 0; i < 8 * sizeof a; i++) {
        a[i / 8] ^= (unsigned char)(1 << i % 8);
        wrong += crypto_equal(a, b, sizeof a) != 0;
        wrong += crypto_equal(a, b, i / 8) != 1;
        a[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    ok(!wrong, "every single bit counts, within the length only");
    crypto_wipe(a, 100);
    memset(b, 0, 100);
    ok(!memcmp(a, b, 100) && a[100] == 100, "crypto_wipe");
}

static void os_randomness(void)
{
    unsigned char a[1000] = { 0 }, b[1000] = { 0 };

    crypto_random_os.fill(crypto_random_os.ctx, a, sizeof a);
    crypto_random_os.fill(crypto_random_os.ctx, b, sizeof b - 8);
    ok(memcmp(a, b, 900) != 0, "two draws differ");
    ok(memcmp(b + 992, (unsigned char[8]){ 0 }, 8) == 0, "no byte beyond the length is written");
    ok(memcmp(a + 992, (unsigned char[8]){ 0 }, 8) != 0, "the last bytes are written");
}

int main(void)
{
    hashes();
    hmacs();
    extracts();
    labels();
    prfs();
    key_schedule();
    traffic_keys();
    comparison();
    os_randomness();
    return done_testing();
}
