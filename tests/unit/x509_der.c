/* ISC license. */

/* The reader of DER (X.690): what it takes, what that holds and what is left behind it;
   each of its limits at the limit, one below it and one above. */

#include "x509/der.h"

#include <limits.h>

#include "hex.h"
#include "tap.h"

/* At the end of an array, beyond which AddressSanitizer notices a read. */
static struct der in_hex(char const *text)
{
    static unsigned char bytes[64];
    struct bytes const read = hex(text);
    memcpy(bytes + sizeof bytes - read.len, read.data, read.len);
    return (struct der){ .p = bytes + sizeof bytes - read.len, .len = read.len };
}

static void elements(void)
{
    static struct {
        char const *bytes;
        int taken;
        unsigned tag;
        size_t len, left;
    } const rows[] = {
        { "", 0, 0, 0, 0 },
        { "04", 0, 0, 0, 0 },
        { "0400", 1, 4, 0, 0 },
        { "040061", 1, 4, 0, 1 },
        { "040161", 1, 4, 1, 0 },
        { "04016162", 1, 4, 1, 1 },
        { "040261", 0, 0, 0, 0 },
        { "1e00", 1, 0x1e, 0, 0 },
        { "1f00", 0, 0, 0, 0 },
        { "3f00", 0, 0, 0, 0 },
        { "bf00", 0, 0, 0, 0 },
        { "2000", 1, 0x20, 0, 0 },
        { "3080", 0, 0, 0, 0 },
        { "30800000", 0, 0, 0, 0 },
        { "0481", 0, 0, 0, 0 },
        { "048100", 0, 0, 0, 0 },
        { "04810161", 0, 0, 0, 0 },
        { "0482", 0, 0, 0, 0 },
        { "048201", 0, 0, 0, 0 },
        { "0482000161", 0, 0, 0, 0 },
        { "0483000001", 0, 0, 0, 0 },
        { "048400000001", 0, 0, 0, 0 },
        { "04840000000161", 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct der const whole = in_hex(rows[i].bytes);
        struct der in = whole, content = { .p = NULL, .len = 99 };
        unsigned tag = 0;
        int const taken = x509_der_read(&in, &tag, &content);
        ok(taken == rows[i].taken, "'%s' is %s", rows[i].bytes, rows[i].taken ? "an element" : "no element");
        if (!rows[i].taken)
            ok(in.p == whole.p && in.len == whole.len, "'%s': nothing is taken", rows[i].bytes);
        else
            ok(tag == rows[i].tag && content.len == rows[i].len && in.len == rows[i].left
                   && content.p + content.len == in.p && in.p + in.len == whole.p + whole.len,
               "'%s': tag, content and rest", rows[i].bytes);
    }
}

/* Each length in its shortest form, and no other (X.690, 10.1). */
static void lengths(void)
{
    static unsigned char bytes[5 + 0x1000000];
    static struct {
        char const *head;
        size_t len;
        int taken;
    } const rows[] = {
        { "047f", 0x7f, 1 },       { "04817f", 0x7f, 0 },     { "048180", 0x80, 1 },     { "0481ff", 0xff, 1 },
        { "048200ff", 0xff, 0 },   { "04820100", 0x100, 1 },  { "0482ffff", 0xffff, 1 }, { "048300ffff", 0xffff, 0 },
        { "0483010000", 0x10000, 1 }, { "0483ffffff", 0xffffff, 1 }, { "048400ffffff", 0xffffff, 0 },
        { "048401000000", 0x1000000 - 1, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes const written = hex(rows[i].head);
        size_t const head = written.len;
        memcpy(bytes, written.data, head);
        for (int missing = 0; missing < 2; missing++) {
            struct der in = { .p = bytes, .len = head + rows[i].len - (size_t)missing }, content;
            unsigned tag;
            int const wanted = rows[i].taken && !missing;
            int const taken = x509_der_read(&in, &tag, &content);
            ok(taken == wanted && (!taken || (content.len == rows[i].len && content.p == bytes + head && !in.len)),
               "'%s' and %zu bytes%s", rows[i].head, rows[i].len, missing ? " but one" : "");
        }
    }
}

static void naturals(void)
{
    static struct {
        char const *bytes;
        int valid;
        unsigned number;
    } const rows[] = {
        { "", 0, 0 },           { "00", 1, 0 },          { "01", 1, 1 },
        { "7f", 1, 0x7f },      { "80", 0, 0 },          { "ff", 0, 0 },
        { "8001", 0, 0 },       { "0000", 0, 0 },        { "0001", 0, 0 },
        { "007f", 0, 0 },       { "0080", 1, 0x80 },     { "00ff", 1, 0xff },
        { "0100", 1, 0x100 },   { "0101", 1, 0x101 },    { "7fff", 1, 0x7fff },
        { "008000", 1, 0x8000 }, { "00ffffffff", 1, UINT_MAX },  { "00fffffffe", 1, UINT_MAX - 1 },
        { "0100000000", 1, UINT_MAX }, { "00ffffffff00", 1, UINT_MAX }, { "7fffffffff", 1, UINT_MAX },
        { "00ffffff00", 1, 0xffffff00 }, { "01000000", 1, 0x1000000 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned number = 12345;
        int const valid = x509_der_natural(in_hex(rows[i].bytes), &number);
        ok(valid == rows[i].valid && (!valid || number == rows[i].number), "INTEGER of '%s'", rows[i].bytes);
    }
}

static void flags(void)
{
    static struct {
        char const *bytes;
        int valid, flag;
        size_t left;
    } const rows[] = {
        { "", 1, 0, 0 },       { "0400", 1, 0, 2 },     { "0101ff", 1, 1, 0 }, { "0101ff0400", 1, 1, 2 },
        { "010100", 0, 0, 0 }, { "010101", 0, 0, 0 },   { "0100", 0, 0, 0 },   { "0102ffff", 0, 0, 0 },
        { "0101", 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct der in = in_hex(rows[i].bytes);
        int flag = 7;
        int const valid = x509_der_take_flag(&in, &flag);
        ok(valid == rows[i].valid && (!valid || (flag == rows[i].flag && in.len == rows[i].left)),
           "BOOLEAN DEFAULT FALSE of '%s'", rows[i].bytes);
    }
}

static void taken(char const *bytes, int wanted, int whole_wanted, int optional, int only)
{
    struct der content = { .p = NULL, .len = 99 }, const_in = in_hex(bytes), in = const_in;
    ok(x509_der_take(&in, DER_OCTET_STRING, &content) == wanted, "'%s': der_take", bytes);
    in = const_in;
    int const whole = x509_der_take_whole(&in, DER_OCTET_STRING, &content);
    ok(whole == whole_wanted && (!whole || (content.p == const_in.p && content.len + in.len == const_in.len)),
       "'%s': der_take_whole", bytes);
    in = const_in;
    ok(x509_der_take_optional(&in, DER_OCTET_STRING, &content) == optional, "'%s': der_take_optional", bytes);
    if (optional && !wanted)
        ok(!content.p && !content.len && in.len == const_in.len, "'%s': an absent element is empty", bytes);
    ok(x509_der_only(const_in, DER_OCTET_STRING, &content) == only, "'%s': der_only", bytes);
}

static void equal(void)
{
    struct der const a = in_hex("0102"), none = { .p = NULL, .len = 0 };
    ok(x509_der_is(a, "\x01\x02", 2) && !x509_der_is(a, "\x01\x03", 2) && !x509_der_is(a, "\x01\x02", 1)
           && !x509_der_is(a, "\x01\x02\x03", 3),
       "der_is: all bytes and no more");
    ok(x509_der_is(none, "", 0) && !x509_der_is(none, "x", 1) && !x509_der_is(a, "", 0), "der_is: nothing");
    ok(x509_der_equal(a, a) && x509_der_equal(none, none) && !x509_der_equal(a, none) && !x509_der_equal(none, a),
       "der_equal");
}

int main(void)
{
    elements();
    lengths();
    naturals();
    flags();
    taken("", 0, 0, 1, 0);
    taken("0400", 1, 1, 1, 1);
    taken("040161", 1, 1, 1, 1);
    taken("04016162", 1, 1, 1, 0);
    taken("040261", 0, 0, 0, 0);
    taken("04", 0, 0, 0, 0);
    taken("0500", 0, 0, 1, 0);
    taken("05", 0, 0, 1, 0);
    equal();
    return done_testing();
}
