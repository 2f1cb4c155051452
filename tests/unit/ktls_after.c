/* ISC license. */

/* What a record means after the handshake, for each version and role. */

#include "ktls/after.h"

#include <string.h>

#include "tap.h"
#include "tests/unit/hex.h"


static char const *const role_names[] = {"either role", "server", "client"};

static char const *name_of(uint16_t version)
{
    return version == TLS_1_3 ? "TLS 1.3" : "TLS 1.2";
}

struct want {
    enum after_event event;
    int number; /* the alert, or whether the peer asks for a KeyUpdate */
};

#define NOTHING ((struct want){AFTER_NOTHING, 0})
#define REFUSED(alert) ((struct want){AFTER_ERROR, alert})

static int is_as_wanted(struct after_verdict got, struct want want)
{
    int const number = got.event == AFTER_KEY_UPDATE ? got.update_requested : got.alert;

    if (got.event == want.event && number == want.number && (got.event != AFTER_ERROR) == !got.reason) return 1;
    diag("event %d, number %d, %s", got.event, number, got.reason ? got.reason : "no reason");
    return 0;
}

/* The bytes in one record, and, where that is legal, each byte in a record of its own. */
static void judge(uint16_t version, enum ktls_role role, unsigned char type, char const *text, struct want want,
                  char const *what)
{
    struct bytes const record = hex(text);
    struct after_message message = {.have = 0};

    ok(is_as_wanted(ktls_after_handshake(&message, version, role, type, record.data, record.len), want), "%s, %s: %s",
       name_of(version), role_names[role], what);
    if (want.event != AFTER_ERROR) ok(!after_is_open(&message), "%s: nothing is left open", what);
    if (type != KTLS_HANDSHAKE || (want.event == AFTER_ERROR && want.number == TLS_UNEXPECTED_MESSAGE)) return;

    struct after_verdict last = {.event = AFTER_NOTHING};
    message = (struct after_message){.have = 0};
    for (size_t i = 0; i < record.len && last.event == AFTER_NOTHING; i++)
        last = ktls_after_handshake(&message, version, role, type, record.data + i, 1);
    ok(is_as_wanted(last, want), "%s, %s: %s, byte by byte", name_of(version), role_names[role], what);
}

static void everywhere(unsigned char type, char const *text, struct want want, char const *what)
{
    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++)
        for (enum ktls_role role = KTLS_EITHER; role <= KTLS_CLIENT; role++)
            judge(version, role, type, text, want, what);
}

static void test_alerts(void)
{
    everywhere(KTLS_ALERT, "0100", (struct want){AFTER_CLOSED, 0}, "close_notify");
    everywhere(KTLS_ALERT, "0200", (struct want){AFTER_CLOSED, 0}, "close_notify of level fatal");
    everywhere(KTLS_ALERT, "015a", NOTHING, "user_canceled");
    everywhere(KTLS_ALERT, "0228", (struct want){AFTER_ABORTED, TLS_HANDSHAKE_FAILURE}, "a fatal alert");
    everywhere(KTLS_ALERT, "", REFUSED(TLS_UNEXPECTED_MESSAGE), "an empty alert record");
    everywhere(KTLS_ALERT, "01", REFUSED(TLS_DECODE_ERROR), "half an alert");
    everywhere(KTLS_ALERT, "010000", REFUSED(TLS_DECODE_ERROR), "an alert and more");
    everywhere(KTLS_ALERT, "0000", REFUSED(TLS_ILLEGAL_PARAMETER), "level 0");
    everywhere(KTLS_ALERT, "0300", REFUSED(TLS_ILLEGAL_PARAMETER), "level 3");
    judge(TLS_1_3, KTLS_CLIENT, KTLS_ALERT, "025a", NOTHING, "user_canceled of level fatal");
    judge(TLS_1_2, KTLS_CLIENT, KTLS_ALERT, "025a", (struct want){AFTER_ABORTED, TLS_USER_CANCELED},
          "user_canceled of level fatal");
    judge(TLS_1_3, KTLS_CLIENT, KTLS_ALERT, "0128", (struct want){AFTER_ABORTED, TLS_HANDSHAKE_FAILURE},
          "handshake_failure of level warning");
    judge(TLS_1_2, KTLS_CLIENT, KTLS_ALERT, "0128", NOTHING, "handshake_failure of level warning");
    judge(TLS_1_2, KTLS_SERVER, KTLS_ALERT, "0164", NOTHING, "no_renegotiation");
}

static void test_types(void)
{
    everywhere(KTLS_APPLICATION_DATA, "64617461", (struct want){AFTER_DATA, 0}, "data");
    everywhere(KTLS_APPLICATION_DATA, "", (struct want){AFTER_DATA, 0}, "an empty record of data");
    everywhere(KTLS_CHANGE_CIPHER_SPEC, "01", REFUSED(TLS_UNEXPECTED_MESSAGE), "ChangeCipherSpec");
    everywhere(24, "00", REFUSED(TLS_UNEXPECTED_MESSAGE), "a heartbeat");
    everywhere(0, "00", REFUSED(TLS_UNEXPECTED_MESSAGE), "type 0");
    everywhere(KTLS_HANDSHAKE, "", REFUSED(TLS_UNEXPECTED_MESSAGE), "an empty handshake record");
    everywhere(KTLS_HANDSHAKE, "0b000000", REFUSED(TLS_UNEXPECTED_MESSAGE), "a Certificate");
    everywhere(KTLS_HANDSHAKE, "0d000000", REFUSED(TLS_UNEXPECTED_MESSAGE), "a CertificateRequest");
    everywhere(KTLS_HANDSHAKE, "14ffffff", REFUSED(TLS_UNEXPECTED_MESSAGE), "a Finished");
}

#define TICKET_HEAD "00093a80 01020304 00 0001 74 " /* of seven days, without nonce */
#define TICKET "0400000e" TICKET_HEAD "0000"
#define UPDATE "1800000100"

static void test_key_update(void)
{
    for (enum ktls_role role = KTLS_EITHER; role <= KTLS_CLIENT; role++) {
        judge(TLS_1_3, role, KTLS_HANDSHAKE, "1800000100", (struct want){AFTER_KEY_UPDATE, 0}, "a KeyUpdate");
        judge(TLS_1_3, role, KTLS_HANDSHAKE, "1800000101", (struct want){AFTER_KEY_UPDATE, 1},
              "one that asks for ours");
        judge(TLS_1_3, role, KTLS_HANDSHAKE, "1800000102", REFUSED(TLS_ILLEGAL_PARAMETER), "request 2");
        judge(TLS_1_3, role, KTLS_HANDSHAKE, "18000000", REFUSED(TLS_DECODE_ERROR), "a KeyUpdate of no byte");
        judge(TLS_1_3, role, KTLS_HANDSHAKE, "180000020000", REFUSED(TLS_DECODE_ERROR), "a KeyUpdate of two bytes");
        judge(TLS_1_3, role, KTLS_HANDSHAKE, UPDATE UPDATE, REFUSED(TLS_UNEXPECTED_MESSAGE), "two in one record");
        judge(TLS_1_3, role, KTLS_HANDSHAKE, UPDATE "18", REFUSED(TLS_UNEXPECTED_MESSAGE), "bytes behind it");
        judge(TLS_1_2, role, KTLS_HANDSHAKE, UPDATE, REFUSED(TLS_UNEXPECTED_MESSAGE), "a KeyUpdate");
    }
    judge(TLS_1_3, KTLS_CLIENT, KTLS_HANDSHAKE, TICKET UPDATE, (struct want){AFTER_KEY_UPDATE, 0},
          "a ticket and a KeyUpdate");
}

static void test_renegotiation(void)
{
    struct want const declined = {AFTER_RENEGOTIATION, 0};

    judge(TLS_1_2, KTLS_CLIENT, KTLS_HANDSHAKE, "00000000", declined, "HelloRequest");
    judge(TLS_1_2, KTLS_EITHER, KTLS_HANDSHAKE, "00000000", declined, "HelloRequest");
    judge(TLS_1_2, KTLS_SERVER, KTLS_HANDSHAKE, "00000000", REFUSED(TLS_UNEXPECTED_MESSAGE), "HelloRequest");
    judge(TLS_1_2, KTLS_CLIENT, KTLS_HANDSHAKE, "0000000100", REFUSED(TLS_DECODE_ERROR), "HelloRequest of one byte");
    judge(TLS_1_2, KTLS_SERVER, KTLS_HANDSHAKE, "01000003616263", declined, "ClientHello");
    judge(TLS_1_2, KTLS_EITHER, KTLS_HANDSHAKE, "01000003616263", declined, "ClientHello");
    judge(TLS_1_2, KTLS_CLIENT, KTLS_HANDSHAKE, "01000003616263", REFUSED(TLS_UNEXPECTED_MESSAGE), "ClientHello");
    judge(TLS_1_2, KTLS_SERVER, KTLS_HANDSHAKE, "01010001", REFUSED(TLS_DECODE_ERROR),
          "ClientHello of 64 KiB and a byte");
    judge(TLS_1_2, KTLS_CLIENT, KTLS_HANDSHAKE, "0000000000000000", declined, "two HelloRequests");
    judge(TLS_1_2, KTLS_CLIENT, KTLS_HANDSHAKE, "000000000b000000", REFUSED(TLS_UNEXPECTED_MESSAGE),
          "HelloRequest and a Certificate");
    judge(TLS_1_3, KTLS_CLIENT, KTLS_HANDSHAKE, "00000000", REFUSED(TLS_UNEXPECTED_MESSAGE), "HelloRequest");
    judge(TLS_1_3, KTLS_SERVER, KTLS_HANDSHAKE, "01000003616263", REFUSED(TLS_UNEXPECTED_MESSAGE), "ClientHello");
}

static void ticket(char const *text, struct want want, char const *what)
{
    judge(TLS_1_3, KTLS_CLIENT, KTLS_HANDSHAKE, text, want, what);
    judge(TLS_1_3, KTLS_EITHER, KTLS_HANDSHAKE, text, want, what);
}

static void test_tickets(void)
{
    struct want const malformed = REFUSED(TLS_DECODE_ERROR), illegal = REFUSED(TLS_ILLEGAL_PARAMETER);

    ticket(TICKET, NOTHING, "the shortest ticket");
    ticket("04000010 00000000 00000000 02 6e6f 0001 74 0000", NOTHING, "one with a nonce, of no lifetime");
    ticket(TICKET TICKET, NOTHING, "two tickets");
    ticket("04000016" TICKET_HEAD "0008 002a 0004 00004000", NOTHING, "early_data");
    ticket("0400001a" TICKET_HEAD "000c 002a 0004 ffffffff 0a0a 0000", NOTHING, "early_data and one that is unknown");
    judge(TLS_1_3, KTLS_SERVER, KTLS_HANDSHAKE, TICKET, REFUSED(TLS_UNEXPECTED_MESSAGE), "a ticket");
    judge(TLS_1_2, KTLS_CLIENT, KTLS_HANDSHAKE, TICKET, REFUSED(TLS_UNEXPECTED_MESSAGE), "a ticket");

    ticket("0400000e 00093a81 01020304 00 0001 74 0000", illegal, "a lifetime of seven days and a second");
    ticket("0400000e ffffffff 01020304 00 0001 74 0000", illegal, "a lifetime of 136 years");
    ticket("04000000", malformed, "a ticket of no byte");
    ticket("0400000c" TICKET_HEAD, malformed, "no extensions");
    ticket("0400000d" TICKET_HEAD "00", malformed, "half the length of the extensions");
    ticket("04000004 00000001", malformed, "a lifetime alone");
    ticket("0400000d 00000000 00000000 00 0000 0000", malformed, "an empty ticket");
    ticket("0400000e 00000000 00000000 06 0001 74 0000", malformed, "a nonce longer than the message");
    ticket("0400000e 00000000 00000000 00 0004 74 0000", malformed, "a ticket longer than the message");
    ticket("0400000e 00000000 00000000 00 0003 74 0000", malformed, "a ticket as long as the message");
    ticket("0400000e" TICKET_HEAD "0001", malformed, "extensions longer than the message");
    ticket("0400000f" TICKET_HEAD "0000 00", malformed, "bytes behind the extensions");
    ticket("04000010" TICKET_HEAD "0002 0a0a", malformed, "an extension without length");
    ticket("04000012" TICKET_HEAD "0004 0a0a 0001", malformed, "an extension longer than the message");
    ticket("04000011" TICKET_HEAD "0003 0a0a 00", malformed, "an extension with half a length");
    ticket("04000015" TICKET_HEAD "0007 002a 0003 004000", malformed, "early_data of three bytes");
    ticket("04000012" TICKET_HEAD "0004 002a 0000", malformed, "early_data of no byte");
    ticket("0402020b", malformed, "a ticket longer than RFC 8446 can express");
    ticket("0400001e" TICKET_HEAD "0010 002a 0004 00004000 002a 0004 00004000", illegal, "early_data twice");
    ticket("0400001a" TICKET_HEAD "000c 0a0a 0000 0b0b 0000 0a0a 0000", illegal, "an unknown extension twice");
    ticket("04000012" TICKET_HEAD "0004 0033 0000", illegal, "a key_share");
    ticket("04000012" TICKET_HEAD "0004 0000 0000", illegal, "a server_name");
}

/* As many extensions as fit into our memory of them, and one more. */
static void test_many_extensions(void)
{
    for (unsigned int count = AFTER_MAX_EXTENSIONS; count <= AFTER_MAX_EXTENSIONS + 1; count++) {
        struct after_message message = {.have = 0};
        struct bytes record = hex("04000000" TICKET_HEAD "0000");

        record.data[3] = (unsigned char)(14 + 4 * count);
        record.data[17] = (unsigned char)(4 * count);
        for (unsigned int i = 0; i < count; i++, record.len += 4)
            memcpy(record.data + record.len, (unsigned char const[]){0xfe, (unsigned char)i, 0, 0}, 4);
        struct after_verdict const verdict =
            ktls_after_handshake(&message, TLS_1_3, KTLS_CLIENT, KTLS_HANDSHAKE, record.data, record.len);
        ok(is_as_wanted(verdict, count > AFTER_MAX_EXTENSIONS ? REFUSED(TLS_ILLEGAL_PARAMETER) : NOTHING),
           "%u extensions", count);
    }
}

static void test_open_message(void)
{
    static unsigned char const half[] = {4, 0};

    for (uint16_t version = TLS_1_2; version <= TLS_1_3; version++) {
        unsigned char const first = version == TLS_1_3 ? TLS_NEW_SESSION_TICKET : TLS_CLIENT_HELLO;
        unsigned char const types[] = {KTLS_APPLICATION_DATA, KTLS_ALERT, KTLS_CHANGE_CIPHER_SPEC};

        for (size_t i = 0; i < sizeof types; i++) {
            struct after_message message = {.have = 0};
            ktls_after_handshake(&message, version, KTLS_EITHER, KTLS_HANDSHAKE, &first, 1);
            ok(after_is_open(&message), "%s: a message has begun", name_of(version));
            ok(is_as_wanted(ktls_after_handshake(&message, version, KTLS_EITHER, types[i], half, 2),
                            REFUSED(TLS_UNEXPECTED_MESSAGE)),
               "%s: type %d in the middle of a message", name_of(version), types[i]);
        }
    }
}

int main(void)
{
    test_alerts();
    test_types();
    test_key_update();
    test_renegotiation();
    test_tickets();
    test_many_extensions();
    test_open_message();
    return done_testing();
}
