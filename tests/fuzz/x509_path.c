/* ISC license. */

/*
 * libFuzzer target: whole chains whose every signature is good (fuzz.h, LENIENT), so that what lies behind the
 * signatures is reached. The input is certificates in DER, one behind the other; the last one is the trust anchor. The
 * mutator changes one element at a time and mends the lengths around it.
 */

#include "fuzz.h"
#include "x509/certificate.h"

#define MAX_INPUT 16384
#define MAX_DEPTH 24

extern int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
extern size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static void demand(int condition)
{
    if (!condition) abort();
}

/* ---- what must hold for whatever is accepted ---- */

static int accepts(struct x509_chain const *chain, struct x509_check const *check)
{
    struct crypto_public_key key;
    char culprit[X509_MAX_CULPRIT];
    int const accepted = x509_verify(chain, check, &key, culprit) == X509_OK;
    demand(memchr(culprit, 0, sizeof culprit) != NULL && (!accepted || !*culprit));
    demand(accepted == (key.type != CRYPTO_ANY_KEY));
    return accepted;
}

static void check_accepted(struct x509_chain const *chain, struct x509_check const *check)
{
    struct certificate cert;
    struct x509_check changed = *check;
    demand(x509_certificate_parse(&cert, chain->cert[0].der, chain->cert[0].len));
    demand(cert.not_before <= check->now && check->now <= cert.not_after && !cert.is_unprocessed);
    demand(cert.purposes & 1u << check->purpose);
    changed.now = cert.not_after + 1;
    demand(!accepts(chain, &changed));
    struct x509_chain alone = *chain;
    alone.count = 0;
    demand(!accepts(&alone, check));
}

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
    static char const *const names[] = { NULL, "localhost", "127.0.0.1" };
    struct x509_chain chain = { .count = 0 };
    struct x509_trust trust;
    struct der rest = { .p = data, .len = size }, one;
    if (size > MAX_INPUT) return 0;
    lenient = 1;
    while (chain.count < X509_MAX_CERTIFICATES && x509_der_take_whole(&rest, DER_SEQUENCE, &one))
        chain.cert[chain.count++] = (struct x509_certificate){ one.p, one.len };
    if (chain.count < 2) return 0;
    struct x509_certificate const anchor = chain.cert[--chain.count];
    if (x509_trust_decode(&trust, anchor.der, anchor.len)) return 0;
    for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
        struct x509_check const check = {
            .trust = &trust, .purpose = (enum x509_purpose)(i % 2), .name = names[i / 2], .now = 1800000000 };
        if (accepts(&chain, &check)) check_accepted(&chain, &check);
    }
    x509_trust_free(&trust);
    return 0;
}

/* ---- the mutator ---- */

struct element {
    size_t start, content, end;
};

/* The elements around a place, from the outside in: how many there are. */
static size_t descend(uint8_t const *data, size_t size, unsigned choice, struct element *found)
{
    struct element within = { 0, 0, size };
    size_t depth = 0;
    while (depth < MAX_DEPTH) {
        struct element child[64];
        struct der rest = { .p = data + within.content, .len = within.end - within.content }, content;
        size_t count = 0;
        unsigned tag;
        for (; count < 64 && rest.len; count++) {
            size_t const start = (size_t)(rest.p - data);
            if (!x509_der_read(&rest, &tag, &content)) return depth;
            child[count] = (struct element){ start, (size_t)(content.p - data), (size_t)(rest.p - data) };
        }
        if (!count) return depth;
        choice = choice * 1103515245 + 12345;
        within = found[depth++] = child[(choice >> 16) % count];
        tag = data[within.start];
        if (!(tag & DER_CONSTRUCTED) && tag != DER_OCTET_STRING) return depth;
        if ((choice >> 8) % 8 == 0) return depth;
    }
    return depth;
}

static size_t put_head(uint8_t *to, unsigned tag, size_t len)
{
    size_t n = 0;
    to[n++] = (uint8_t)tag;
    if (len > 255) to[n++] = 0x82, to[n++] = (uint8_t)(len >> 8);
    else if (len > 127) to[n++] = 0x81;
    to[n++] = (uint8_t)len;
    return n;
}

/* The innermost element changed, into fresh. */
static size_t change(uint8_t *fresh, uint8_t const *data, struct element e, unsigned seed)
{
    size_t const len = e.end - e.start;
    memcpy(fresh, data + e.start, len);
    if (seed % 8 == 0) return 0;
    if (seed % 8 == 1) {
        memcpy(fresh + len, data + e.start, len);
        return 2 * len;
    }
    if (seed % 8 == 2) {
        fresh[0] = (uint8_t)(seed >> 8);
        return len;
    }
    static uint8_t content[MAX_INPUT];
    memcpy(content, data + e.content, e.end - e.content);
    size_t const n = LLVMFuzzerMutate(content, e.end - e.content, e.end - e.content + 16);
    size_t const head = put_head(fresh, data[e.start], n);
    memcpy(fresh + head, content, n);
    return head + n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static uint8_t fresh[4 * MAX_INPUT], outer[4 * MAX_INPUT];
    struct element path[MAX_DEPTH];
    size_t const depth = size > MAX_INPUT / 2 ? 0 : descend(data, size, seed, path);
    if (!depth) return LLVMFuzzerMutate(data, size, max_size);
    size_t len = change(fresh, data, path[depth - 1], seed >> 4);
    for (size_t i = depth; i--;) {
        struct element const around = i ? path[i - 1] : (struct element){ 0, 0, size };
        size_t const before = path[i].start - around.content, after = around.end - path[i].end;
        size_t n = i ? put_head(outer, data[around.start], before + len + after) : 0;
        memcpy(outer + n, data + around.content, before);
        memcpy(outer + n + before, fresh, len);
        memcpy(outer + n + before + len, data + path[i].end, after);
        len = n + before + len + after;
        memcpy(fresh, outer, len);
    }
    if (len > max_size) return LLVMFuzzerMutate(data, size, max_size);
    memcpy(data, fresh, len);
    return len;
}
