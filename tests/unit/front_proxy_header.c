/* ISC license. */

/* PROXY headers, whole and broken, and that not a byte behind one is asked for. */

#include <string.h>

#include "front/proxy_header.h"
#include "tap.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define PEER_V4 "\xc0\x00\x02\x01\xc6\x33\x64\x02\x30\x39\x01\xbb" /* 192.0.2.1 to 198.51.100.2, 12345, 443 */
#define DB8 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" /* 2001:db8::, without its last byte */
#define PEER_V6 DB8 "\x01" DB8 "\x02\x30\x39\x01\xbb"
#define ALL_ONES "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
#define BYTES(text) text, sizeof(text) - 1

/* How much of data is read as the header when as much arrives as is asked for. */
static size_t taken(char const *data, size_t len)
{
    unsigned char seen[PROXY_HEADER_MAX];
    size_t have = 0;
    for (size_t wanted; (wanted = proxy_header_wants(seen, have)) != 0 && have < len;) {
        if (wanted > len - have) wanted = len - have;
        memcpy(seen + have, data + have, wanted);
        have += wanted;
    }
    return have;
}

static int is(struct proxy_header const *header, char const *remote, char const *local)
{
    char got[2][80];
    snprintf(got[0], sizeof *got, "%s %d", header->remote.ip, header->remote.port);
    snprintf(got[1], sizeof *got, "%s %d", header->local.ip, header->local.port);
    return !strcmp(got[0], remote) && !strcmp(got[1], local);
}

/* A header with something behind it. */
static void whole(char const *name, char const *data, size_t len, char const *remote, char const *local)
{
    static char stream[PROXY_HEADER_MAX + 100];
    struct proxy_header header;
    memcpy(stream, data, len);
    memset(stream + len, 22, 100);
    size_t const got = taken(stream, len + 100);
    ok(got == len, "%s: %zu bytes are taken of %zu", name, got, len);
    char const *const why = proxy_header_parse(&header, (unsigned char *)stream, len);
    ok(!why, "%s: is a header%s%s", name, why ? ", not: " : "", why ? why : "");
    if (remote) ok(header.relayed && is(&header, remote, local), "%s: %s from %s", name, local, remote);
    else ok(!header.relayed, "%s: the addresses of the connection itself", name);
}

static void text(char const *line, char const *remote, char const *local)
{
    char name[120];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, "\r"), line);
    whole(name, line, strlen(line), remote, local);
}

static void texts(void)
{
    text("PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n", "192.0.2.1 12345", "198.51.100.2 443");
    text("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0 0", "0.0.0.0 0");
    text("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535",
         "255.255.255.255 65535");
    text("PROXY TCP6 2001:db8::1 2001:DB8:0:0:0:0:0:2 12345 443\r\n", "2001:db8::1 12345", "2001:db8::2 443");
    text("PROXY TCP6 :: ::1 1 2\r\n", ":: 1", "::1 2");
    text("PROXY TCP6 " ALL_ONES " " ALL_ONES " 65535 65535\r\n", ALL_ONES " 65535", ALL_ONES " 65535");
    text("PROXY UNKNOWN\r\n", NULL, NULL);
    text("PROXY UNKNOWN what ever follows here\r\n", NULL, NULL);
    text("PROXY UNKNOWN " ALL_ONES " " ALL_ONES " 65535 65535\r\n", NULL, NULL);
}

static void blocks(void)
{
    whole("binary, IPv4", BYTES(SIGNATURE "\x21\x11\0\x0c" PEER_V4), "192.0.2.1 12345", "198.51.100.2 443");
    whole("binary, IPv6", BYTES(SIGNATURE "\x21\x21\0\x24" PEER_V6), "2001:db8::1 12345", "2001:db8::2 443");
    whole("binary with TLVs", BYTES(SIGNATURE "\x21\x11\0\x18" PEER_V4 "\x01\0\x02h2\x04\0\0\x04\0\x01x"),
          "192.0.2.1 12345", "198.51.100.2 443");
    whole("binary, LOCAL", BYTES(SIGNATURE "\x20\0\0\0"), NULL, NULL);
    whole("binary, LOCAL with addresses", BYTES(SIGNATURE "\x20\x11\0\x0c" PEER_V4), NULL, NULL);
    whole("binary, LOCAL with what is no TLV", BYTES(SIGNATURE "\x20\0\0\x02zz"), NULL, NULL);
    whole("binary, UNSPEC", BYTES(SIGNATURE "\x21\0\0\0"), NULL, NULL);
    whole("binary, UNSPEC with more", BYTES(SIGNATURE "\x21\0\0\x03" "abc"), NULL, NULL);

    static char longest[PROXY_HEADER_MAX] = SIGNATURE "\x21\x11\x0f\xf0" PEER_V4 "\x04\x0f\xe1";
    whole("the longest binary", longest, sizeof longest, "192.0.2.1 12345", "198.51.100.2 443");
}

static void refuse(char const *name, char const *data, size_t len)
{
    struct proxy_header header;
    size_t const got = taken(data, len);
    char const *const why = proxy_header_parse(&header, (unsigned char const *)data, got);
    ok(why && !header.relayed, "%s: refused: %s", name, why ? why : "no");
}

static void broken_texts(void)
{
    static char const *const lines[] = {
        "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 12345\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443 \r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.2 12345 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 12345 65536\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 12345 0443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 12345 +443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 12345 \r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.2 12345 443\r\n",
        "PROXY TCP4 192.0.2 198.51.100.2 12345 443\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 12345 443\r\n",
        "PROXY TCP4 localhost 198.51.100.2 12345 443\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.2 12345 443\r\n",
        "PROXY TCP6 fe80::1%eth0 2001:db8::2 12345 443\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.2 12345 443\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY unknown\r\n",
        "proxy UNKNOWN\r\n",
        "PROXY  UNKNOWN\r\n",
        "PROXY\tUNKNOWN\r\n",
        "PROXY UNKNOWN a\rb\r\n",
        "PROXY UNKNOWN \r\r\n",
        "PROXY \n UNKNOWN\r\n",
        "PROXY UNKNOWN",
        "PROXY UNKNOWN\r",
        "PROX",
        "PROXY",
        "GET / HTTP/1.1\r\n\r\n",
        "\r\nhello, this is none\r\n",
        "",
    };
    char name[120];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        snprintf(name, sizeof name, "\"%.*s\"", (int)strcspn(lines[i], "\r\n"), lines[i]);
        refuse(name, lines[i], strlen(lines[i]));
    }
    refuse("a NUL in the line", BYTES("PROXY UNKNOWN a\0b\r\n"));

    char endless[200] = "PROXY UNKNOWN ";
    memset(endless + 14, 'x', sizeof endless - 14);
    ok(taken(endless, sizeof endless) == 107, "a line without end: 107 bytes are taken");
    refuse("a line without end", endless, sizeof endless);
    memcpy(endless + 106, "\r\n", 2);
    refuse("a line of 108 bytes", endless, 108);
    memcpy(endless + 105, "\r\n", 2);
    whole("a line of 107 bytes", endless, 107, NULL, NULL);
}

/* Valid, and of no use here. */
static void other_blocks(void)
{
    whole("UDP over IPv4", BYTES(SIGNATURE "\x21\x12\0\x0c" PEER_V4), NULL, NULL);
    whole("UDP over IPv6", BYTES(SIGNATURE "\x21\x22\0\x24" PEER_V6), NULL, NULL);
}

static void broken_blocks(void)
{
    refuse("version 1 in binary", BYTES(SIGNATURE "\x11\x11\0\x0c" PEER_V4));
    refuse("version 3 in binary", BYTES(SIGNATURE "\x31\x11\0\x0c" PEER_V4));
    refuse("command 2", BYTES(SIGNATURE "\x22\x11\0\x0c" PEER_V4));
    refuse("TCP over nothing", BYTES(SIGNATURE "\x21\x01\0\x0c" PEER_V4));
    refuse("family 4", BYTES(SIGNATURE "\x21\x41\0\x0c" PEER_V4));
    refuse("protocol 3 over IPv4", BYTES(SIGNATURE "\x21\x13\0\x0c" PEER_V4));
    refuse("IPv4 without room for it", BYTES(SIGNATURE "\x21\x11\0\x0b" PEER_V4));
    refuse("IPv6 without room for it", BYTES(SIGNATURE "\x21\x21\0\x0c" PEER_V4));
    refuse("a TLV that is cut off", BYTES(SIGNATURE "\x21\x11\0\x11" PEER_V4 "\x04\0\x03xx"));
    refuse("a TLV's head that is cut off", BYTES(SIGNATURE "\x21\x11\0\x0e" PEER_V4 "\x04\0"));
    refuse("a block that is cut off", BYTES(SIGNATURE "\x21\x11\0\x0c\xc0"));
    refuse("a head that is cut off", BYTES(SIGNATURE "\x21\x11\0"));
    refuse("a signature that is cut off", BYTES("\r\n\r\n\0\r\nQUI"));
    refuse("a signature with another byte", BYTES("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c" PEER_V4));

    char const too_long[] = SIGNATURE "\x21\x11\x0f\xf1" PEER_V4;
    ok(taken(BYTES(too_long)) == 16, "a block that is too long: nothing behind its head is taken");
    refuse("a block that is too long", BYTES(too_long));

    static unsigned char family[256];
    for (int i = 0; i < 256; i++) {
        char whole_unix[16 + 216] = SIGNATURE "\x21\0\0\xd8";
        struct proxy_header header;
        whole_unix[13] = (char)i;
        char const *const why = proxy_header_parse(&header, (unsigned char *)whole_unix, sizeof whole_unix);
        family[i] = !why && header.relayed;
    }
    family[0x11]--, family[0x21]--;
    ok(!memchr(family, 1, sizeof family) && !memchr(family, 255, sizeof family),
       "of 256 families only TCP over IPv4 and IPv6 name a client");
}

/* ---- written ---- */

static struct proxy_header between(char const *remote, char const *local)
{
    struct proxy_header header = { .relayed = 1, .remote = { .port = 12345 }, .local = { .port = 443 } };
    strcpy(header.remote.ip, remote);
    strcpy(header.local.ip, local);
    return header;
}

static void written_text(char const *remote, char const *local, char const *wanted)
{
    unsigned char out[PROXY_HEADER_MAX];
    struct proxy_header const header = between(remote, local);
    size_t const len = proxy_header_write_text(&header, out);
    ok(len == strlen(wanted) && !memcmp(out, wanted, len), "%.*s is written", (int)strcspn(wanted, "\r"), wanted);
}

static void written_block(struct proxy_session const *session, char const *remote, char const *local,
                          char const *wanted, size_t wanted_len, char const *name)
{
    unsigned char out[PROXY_HEADER_MAX];
    struct proxy_header const header = between(remote, local);
    struct proxy_header again;
    size_t const len = proxy_header_write_binary(&header, session, out);
    ok(len == wanted_len, "%s: %zu bytes", name, wanted_len);
    is_mem(out, wanted, wanted_len, "%s: written", name);
    ok(!proxy_header_parse(&again, out, len), "%s: is a header", name);
}

static void writes(void)
{
    static char long_name[300];
    struct proxy_session const nothing = { 0 };
    struct proxy_session const tls = { .alpn = "h2", .server_name = "a.test", .protocol = "TLSv1.3", .cipher = "X" };
    struct proxy_session verified = { .protocol = "TLSv1.2", .client_verified = 1 };

    written_text("192.0.2.1", "198.51.100.2", "PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n");
    written_text(ALL_ONES, "::1", "PROXY TCP6 " ALL_ONES " ::1 12345 443\r\n");
    written_text("192.0.2.1", "::1", "PROXY UNKNOWN\r\n");
    written_text("", "", "PROXY UNKNOWN\r\n");
    written_block(&nothing, "192.0.2.1", "198.51.100.2", BYTES(SIGNATURE "\x21\x11\0\x0c" PEER_V4), "IPv4");
    written_block(&nothing, "2001:db8::1", "2001:db8::2", BYTES(SIGNATURE "\x21\x21\0\x24" PEER_V6), "IPv6");
    written_block(&nothing, "", "", BYTES(SIGNATURE "\x20\0\0\0"), "no addresses");
    written_block(&tls, "", "",
                  BYTES(SIGNATURE "\x20\0\0\x24"
                                  "\1\0\2h2"
                                  "\2\0\6a.test"
                                  "\x20\0\x13\1\0\0\0\1"
                                  "\x21\0\7TLSv1.3"
                                  "\x23\0\1X"),
                  "a TLS session");
    written_block(&verified, "", "", BYTES(SIGNATURE "\x20\0\0\x12\x20\0\x0f\3\0\0\0\0\x21\0\7TLSv1.2"),
                  "a verified client");
    memset(long_name, 'a', 255);
    verified = (struct proxy_session){ .server_name = long_name };
    ok(proxy_header_write_binary(&(struct proxy_header){ 0 }, &verified, (unsigned char[PROXY_HEADER_MAX]){ 0 }) ==
           16 + 3 + 255,
       "a name of 255 bytes");
    long_name[255] = 'a';
    ok(proxy_header_write_binary(&(struct proxy_header){ 0 }, &verified, (unsigned char[PROXY_HEADER_MAX]){ 0 }) == 16,
       "a longer one is left out");
}

int main(void)
{
    writes();
    texts();
    blocks();
    other_blocks();
    broken_texts();
    broken_blocks();
    return done_testing();
}
