/* ISC license. */

/* Keying material exporters (RFC 8446, 7.5; RFC 5705): both ends agree, and on what. Uses $KTLS_PKI. */

#include "loopback.h"

#define LABEL "EXPORTER-test"

static int export_from(struct side const *side, char const *label, char const *context, unsigned char *out,
                       size_t len)
{
    return tls_export(&side->session, label, context, context ? strlen(context) : 0, out, len);
}

static int agree(char const *label, char const *context, unsigned char out[64])
{
    unsigned char theirs[64];
    return export_from(&client, label, context, out, 64) &&
           export_from(&server, label, context, theirs, 64) && !memcmp(out, theirs, sizeof theirs);
}

static void connect_with(uint16_t suite)
{
    loopback_reset();
    only_version(&client.config, crypto_suite_by_id(suite)->version);
    client.config.suites[0] = suite;
    client.config.suite_count = 1;
    loopback_run();
    both_done(crypto_suite_by_id(suite)->name);
}

static void same_at_both_ends(uint16_t suite)
{
    unsigned char none[64], empty[64], some[64], other[64];
    char const *name = crypto_suite_by_id(suite)->name;
    int const is_13 = crypto_suite_by_id(suite)->version == TLS_1_3;

    connect_with(suite);
    ok(agree(LABEL, NULL, none), "%s: without a context", name);
    ok(agree(LABEL, "", empty), "%s: with an empty one", name);
    ok(agree(LABEL, "context", some), "%s: with one", name);
    ok(agree(LABEL "2", NULL, other), "%s: another label", name);
    ok((memcmp(none, empty, 64) == 0) == is_13, "%s: no context and an empty one are %s", name,
       is_13 ? "the same" : "different");
    ok(memcmp(none, some, 64) && memcmp(none, other, 64) && memcmp(some, other, 64),
       "%s: label and context count", name);
}

/* In 1.2 shorter output is a prefix; in 1.3 the length is part of the derivation. */
static void lengths(void)
{
    static unsigned char longest[TLS_MAX_EXPORT + 1];
    unsigned char shorter[32];
    connect_with(0xc02b);
    ok(export_from(&client, LABEL, NULL, longest, TLS_MAX_EXPORT), "1.2: the longest");
    ok(export_from(&client, LABEL, NULL, shorter, 32) && !memcmp(shorter, longest, 32), "1.2: a prefix");
    connect_with(0x1301);
    ok(export_from(&client, LABEL, NULL, longest, TLS_MAX_EXPORT), "1.3: the longest");
    ok(export_from(&client, LABEL, NULL, shorter, 32) && memcmp(shorter, longest, 32), "1.3: no prefix");
    ok(!export_from(&client, LABEL, NULL, longest, TLS_MAX_EXPORT + 1), "too long");
    ok(!export_from(&client, LABEL, NULL, longest, 0), "nothing");
}

static void refusals(void)
{
    static char const *const reserved[] = { "client finished", "server finished", "master secret",
                                            "extended master secret", "key expansion", "" };
    static char context[TLS_MAX_EXPORT_CONTEXT + 2], label[251];
    unsigned char out[64];

    for (uint16_t suite = 0x1301, i = 0; i < 2; suite = 0xc02b, i++) {
        connect_with(suite);
        for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++)
            ok(!agree(reserved[k], NULL, out), "%04x: the label \"%s\"", suite, reserved[k]);
        memset(context, 'x', TLS_MAX_EXPORT_CONTEXT);
        context[TLS_MAX_EXPORT_CONTEXT] = 0;
        ok(agree(LABEL, context, out), "%04x: the longest context", suite);
        context[TLS_MAX_EXPORT_CONTEXT] = 'x';
        ok(!agree(LABEL, context, out), "%04x: a longer one", suite);
        memset(label, 'x', 249);
        label[249] = 0;
        ok(agree(label, NULL, out), "%04x: the longest label", suite);
        label[249] = 'x';
        ok(!agree(label, NULL, out), "%04x: a longer one", suite);
    }
}

/* RFC 7627, 5.4: the master secret alone may be shared with another connection. */
static void without_extended_master_secret(void)
{
    unsigned char out[64];
    connect_with(0xc02b);
    ok(agree(LABEL, NULL, out), "1.2 with extended master secret");
    client.session.extended_master_secret = server.session.extended_master_secret = 0;
    ok(!agree(LABEL, NULL, out), "1.2 without it");
}

int main(void)
{
    static uint16_t const suites[] = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c };
    loopback_reset();
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) same_at_both_ends(suites[i]);
    lengths();
    refusals();
    without_extended_master_secret();
    return done_testing();
}
