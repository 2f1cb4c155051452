/* ISC license. */
/* runs: host; not: sanitizers */

/* What private-key operations leave on the stack: nothing of the key, in none of
   the forms that BearSSL calculates with. */

#include "crypto/crypto.h"

#include <pthread.h>

#include "key_pair.h"
#include "tap.h"

#define PIECE 24 /* bytes: more than two numbers have in common by chance */

static _Alignas(4096) unsigned char stack[256 * 1024];

static struct {
    struct key_pair pair;
    struct crypto_scheme const *scheme;
    unsigned char digest[CRYPTO_MAX_HASH], signature[CRYPTO_MAX_SIGNATURE];
    size_t len;
    int matches;
} job;

static void *sign(void *arg)
{
    job.len = crypto_sign(&job.pair.private_key, &job.pair.public_key, job.scheme, job.digest, &crypto_random_os,
                          job.signature);
    return arg;
}

static void *match(void *arg)
{
    job.matches = crypto_key_matches(&job.pair.private_key, &job.pair.public_key);
    return arg;
}

/* On a stack where it is alone. */
static void run(void *(*operation)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;

    memset(stack, 0, sizeof stack);
    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, stack, sizeof stack)) give_up("pthread_attr_setstack");
    if (pthread_create(&thread, &attributes, operation, NULL)) give_up("pthread_create");
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

/* ---- the forms of a number ---- */

/* Words of so many bits each, the least significant first, as the machine has them in memory. */
static size_t limbs(struct bytes const *number, unsigned int bits, size_t size, unsigned char *to)
{
    unsigned __int128 rest = 0;
    unsigned int have = 0;
    size_t len = 0;

    for (size_t i = number->len; i; i--) {
        rest |= (unsigned __int128)number->data[i - 1] << have;
        for (have += 8; have >= bits; have -= bits, rest >>= bits, len += size) {
            uint64_t const word = (uint64_t)rest & ((UINT64_C(1) << bits) - 1);
            memcpy(to + len, &word, size);
        }
    }
    return len;
}

static int is_on_stack(unsigned char const *form, size_t len)
{
    for (size_t at = 0; at + PIECE <= len; at += PIECE)
        if (memmem(stack, sizeof stack, form + at, PIECE)) return 1;
    return 0;
}

static void check_number(char const *operation, char const *name, char const *text)
{
    struct bytes const number = hex(text);
    unsigned char form[4 * sizeof number.data];

    ok(!is_on_stack(number.data, number.len), "%s: no bytes of %s", operation, name);
    ok(!is_on_stack(form, limbs(&number, 15, 2, form)), "%s: no limbs of 15 bits of %s", operation, name);
    ok(!is_on_stack(form, limbs(&number, 31, 4, form)), "%s: no limbs of 31 bits of %s", operation, name);
    ok(!is_on_stack(form, limbs(&number, 62, 8, form)), "%s: no limbs of 62 bits of %s", operation, name);
}

/* ---- keys ---- */

static void take(struct key_pair const *pair)
{
    memset(&job, 0, sizeof job);
    job.pair = *pair;
}

static void check_rsa(char const *operation, struct rsa_vector const *v)
{
    check_number(operation, "p", v->p);
    check_number(operation, "q", v->q);
    check_number(operation, "dp", v->dp);
    check_number(operation, "dq", v->dq);
    check_number(operation, "iq", v->iq);
}

static void rsa(struct rsa_vector const *v)
{
    struct key_pair const pair = rsa_pair(v);
    static uint16_t const schemes[] = { 0x0804, 0x0806, 0x0401, 0x0601 };

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        take(&pair);
        job.scheme = crypto_scheme_by_id(schemes[i]);
        run(&sign);
        ok(job.len != 0, "RSA %u: %s", v->bits, job.scheme->name);
        check_rsa(job.scheme->name, v);
    }
    take(&pair);
    run(&match);
    ok(job.matches, "RSA %u: the keys are a pair", v->bits);
    check_rsa("a pair of RSA keys", v);
}

static void ec(struct ec_vector const *v)
{
    struct key_pair const pair = ec_pair(v);
    struct crypto_scheme const *scheme = crypto_scheme_by_id(v->group == CRYPTO_SECP256R1 ? 0x0403 : 0x0503);

    take(&pair);
    job.scheme = scheme;
    run(&sign);
    ok(job.len != 0, "%s", scheme->name);
    check_number(scheme->name, "the scalar", v->scalar);
    take(&pair);
    run(&match);
    ok(job.matches, "%s: the keys are a pair", scheme->name);
    check_number("a pair of EC keys", "the scalar", v->scalar);
}

/* The search finds what is there. */
static void *leave(void *arg)
{
    unsigned char volatile here[CRYPTO_MAX_SIGNATURE];
    for (size_t i = 0; i < sizeof here; i++) here[i] = job.pair.private_key.data[i];
    return arg;
}

static void the_search(void)
{
    struct bytes const p = hex(rsa_vectors->p);
    struct key_pair const pair = rsa_pair(rsa_vectors);

    take(&pair);
    run(&leave);
    ok(is_on_stack(p.data, p.len), "what is left is found");
}

int main(void)
{
    the_search();
    for (size_t i = 0; i < sizeof rsa_vectors / sizeof *rsa_vectors; i++) rsa(rsa_vectors + i);
    for (size_t i = 0; i < sizeof ec_vectors / sizeof *ec_vectors; i++) ec(ec_vectors + i);
    return done_testing();
}
