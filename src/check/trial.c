/* ISC license. */

/*
 * Every capability is tried with bytes that go through it, on a connection of
 * its own. A trial gives 0, or an errno.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <skalibs/djbunix.h>

#include "check/check.h"
#include "ktls/kernel.h"

#define BLOCK 16384

uint16_t const check_version_number[CHECK_VERSIONS] = { KTLS_TLS_1_2, KTLS_TLS_1_3 };
char const *const check_version_name[CHECK_VERSIONS] = { "1.2", "1.3" };
char const *const check_suite_name[CHECK_SUITES] = { "AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305" };

static uint16_t const suite_cipher[CHECK_SUITES] = { KTLS_AES_128_GCM, KTLS_AES_256_GCM,
                                                     KTLS_CHACHA20_POLY1305 };

/* A generation of keys; nothing secret is ever protected with them. */
static struct ktls_traffic_keys keys_of(uint16_t version, uint16_t cipher, unsigned char generation)
{
    struct ktls_traffic_keys keys = { .version = version, .cipher = cipher };
    memset(keys.key, generation, sizeof keys.key);
    memset(keys.iv, generation, sizeof keys.iv);
    return keys;
}

static int attach_pair(struct check_pair const *pair)
{
    return ktls_attach(pair->end[0]) == 0 && ktls_attach(pair->end[1]) == 0 ? 0 : errno;
}

/* From end 0 the keys are generation 0, from end 1 generation 1. */
static int install_pair(struct check_pair const *pair, uint16_t version, uint16_t cipher)
{
    for (unsigned char i = 0; i < 2; i++) {
        struct ktls_traffic_keys const keys = keys_of(version, cipher, i);
        if (ktls_install(pair->end[i], KTLS_TX, &keys) < 0) return errno;
        if (ktls_install(pair->end[!i], KTLS_RX, &keys) < 0) return errno;
    }
    return 0;
}

static void fill_block(unsigned char block[BLOCK], unsigned int seed)
{
    for (size_t i = 0; i < BLOCK; i++) block[i] = (unsigned char)(seed + i * 31 + (i >> 8));
}

/* What errno says about a call that did less than it should have. */
static int error_of(ssize_t result)
{
    return result < 0 && errno ? errno : EIO;
}

static int receive_block(int fd, unsigned char const *wanted, struct ktls_secrets *secrets)
{
    unsigned char block[BLOCK];
    for (size_t got = 0; got < BLOCK;) {
        ssize_t const n = ktls_recv(fd, block + got, BLOCK - got, 0, secrets);
        if (n <= 0) return error_of(n);
        got += (size_t)n;
    }
    return memcmp(block, wanted, BLOCK) ? EBADMSG : 0;
}

static int carry_block(int from, int to, struct ktls_secrets *secrets)
{
    unsigned char block[BLOCK];
    fill_block(block, (unsigned int)from);
    ssize_t const n = send(from, block, BLOCK, MSG_NOSIGNAL);
    return n == BLOCK ? receive_block(to, block, secrets) : error_of(n);
}

static int carry_both_ways(struct check_pair const *pair, struct ktls_secrets secrets[2])
{
    int const error = carry_block(pair->end[0], pair->end[1], secrets ? &secrets[1] : NULL);
    return error ? error : carry_block(pair->end[1], pair->end[0], secrets ? &secrets[0] : NULL);
}

static int try_close(struct check_pair const *pair)
{
    char byte;
    if (ktls_close_notify(pair->end[0]) < 0) return errno;
    ssize_t const n = ktls_read(pair->end[1], &byte, 1);
    return n ? error_of(n) : 0;
}

static int try_cipher(struct check_pair const *pair, uint16_t version, uint16_t cipher)
{
    int error = install_pair(pair, version, cipher);
    if (!error) error = carry_both_ways(pair, NULL);
    if (!error) error = try_close(pair);
    return error;
}

/* ---- what else there is ---- */

struct generations {
    uint16_t version, cipher;
    unsigned char next[2]; /* by direction */
};

static int next_keys(void *ctx, enum ktls_direction direction, struct ktls_traffic_keys *keys)
{
    struct generations *generations = ctx;
    *keys = keys_of(generations->version, generations->cipher, generations->next[direction]);
    generations->next[direction] = (unsigned char)(generations->next[direction] + 2);
    return 0;
}

/* Both directions: the peer asks, we answer. */
static int try_rekey(struct check_pair const *pair, uint16_t version, uint16_t cipher)
{
    struct generations generations[2] = { { version, cipher, { [KTLS_TX] = 2, [KTLS_RX] = 3 } },
                                          { version, cipher, { [KTLS_TX] = 3, [KTLS_RX] = 2 } } };
    struct ktls_secrets secrets[2] = { { .next = next_keys, .ctx = &generations[0] },
                                       { .next = next_keys, .ctx = &generations[1] } };
    if (version != KTLS_TLS_1_3) return EOPNOTSUPP;
    int error = install_pair(pair, version, cipher);
    if (!error && ktls_update_keys(pair->end[0], &secrets[0], 1) < 0) error = errno;
    if (!error) error = carry_both_ways(pair, secrets);
    if (!error && generations[1].next[KTLS_TX] == 3) error = EIO;
    return error;
}

static int set_tls_option(int fd, int option)
{
    int const on = 1;
    return setsockopt(fd, SOL_TLS, option, &on, sizeof on) < 0 ? errno : 0;
}

static int send_file(int from, int to)
{
    unsigned char block[BLOCK];
    int const file = memfd_create("ktls-check", MFD_CLOEXEC);
    if (file < 0) return errno;
    fill_block(block, 7);
    ssize_t n = write(file, block, BLOCK);
    off_t offset = 0;
    if (n == BLOCK) n = sendfile(from, file, &offset, BLOCK);
    int const error = n == BLOCK ? receive_block(to, block, NULL) : error_of(n);
    fd_close(file);
    return error;
}

static int try_zerocopy(struct check_pair const *pair, uint16_t version, uint16_t cipher)
{
    int error = install_pair(pair, version, cipher);
    if (!error) error = set_tls_option(pair->end[0], TLS_TX_ZEROCOPY_RO);
    if (!error) error = send_file(pair->end[0], pair->end[1]);
    return error;
}

static int try_no_pad(struct check_pair const *pair, uint16_t version, uint16_t cipher)
{
    int error = install_pair(pair, version, cipher);
    if (!error) error = set_tls_option(pair->end[1], TLS_RX_EXPECT_NO_PAD);
    if (!error) error = carry_block(pair->end[0], pair->end[1], NULL);
    return error;
}

/* ---- all of it ---- */

typedef int trial(struct check_pair const *pair, uint16_t version, uint16_t cipher);

static int on_a_pair(trial *run, uint16_t version, uint16_t cipher)
{
    struct check_pair pair;
    if (!check_open_pair(&pair)) return errno;
    int error = attach_pair(&pair);
    if (!error) error = run(&pair, version, cipher);
    check_close_pair(&pair);
    return error;
}

/* The first suite that works, else the first. */
static uint16_t some_cipher(struct check_version const *found)
{
    for (size_t i = 0; i < CHECK_SUITES; i++)
        if (!found->suite[i]) return suite_cipher[i];
    return suite_cipher[0];
}

static void try_version(struct check_version *found, uint16_t version)
{
    for (size_t i = 0; i < CHECK_SUITES; i++)
        found->suite[i] = on_a_pair(try_cipher, version, suite_cipher[i]);
    uint16_t const cipher = some_cipher(found);
    found->rekey = on_a_pair(try_rekey, version, cipher);
    found->zerocopy = on_a_pair(try_zerocopy, version, cipher);
    found->no_pad = on_a_pair(try_no_pad, version, cipher);
}

int check_try(struct check_report *report)
{
    struct check_pair pair;
    if (!check_open_pair(&pair)) return 0;
    report->tls = attach_pair(&pair);
    check_close_pair(&pair);
    for (size_t i = 0; !report->tls && i < CHECK_VERSIONS; i++)
        try_version(&report->version[i], check_version_number[i]);
    return 1;
}

int check_is_complete(struct check_report const *report)
{
    if (report->tls) return 0;
    for (size_t i = 0; i < CHECK_VERSIONS; i++)
        for (size_t j = 0; j < CHECK_SUITES; j++)
            if (report->version[i].suite[j]) return 0;
    return 1;
}
