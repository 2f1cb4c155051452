/* ISC license. */

/* URLs of the socket service. */

#include "protocol/url.h"
#include "tap.h"
#include "tls/tls.h"

static struct url url;

static char const *parse(char const *text)
{
    return url_parse(&url, text);
}

static void is(char const *text, enum url_scheme scheme, enum url_target target, char const *where,
               unsigned int port)
{
    char const *why = parse(text);
    ok(!why && url.scheme == scheme && url.target == target && url.port == port
           && (!where || !strcmp(url.where, where)),
       "%s%s%s", text, why ? ": " : "", why ? why : "");
}

static void no(char const *text)
{
    char const *why = parse(text);
    ok(why != NULL && *why, "not a URL: %.60s (%s)", text, why ? why : "taken");
}

static void targets(void)
{
    is("tls://example.org:8443", URL_TLS, URL_HOST, "example.org", 8443);
    is("tls://example.org:8443/", URL_TLS, URL_HOST, "example.org", 8443);
    is("tls://example.org", URL_TLS, URL_HOST, "example.org", 443);
    is("tls://example.org/?tls=1.2", URL_TLS, URL_HOST, "example.org", 443);
    is("tls://example.org?tls=1.2", URL_TLS, URL_HOST, "example.org", 443);
    is("tls://a_b.example:1?", URL_TLS, URL_HOST, "a_b.example", 1);
    is("tcp://192.0.2.1:0", URL_TCP, URL_HOST, "192.0.2.1", 0);
    is("tcp://[2001:db8::1]:65535", URL_TCP, URL_HOST, "2001:db8::1", 65535);
    is("tls://[::]", URL_TLS, URL_HOST, "::", 443);
    is("tls://example.org.:8443", URL_TLS, URL_HOST, "example.org.", 8443);
    is("tcp://[fe80::1%25lo]:1", URL_TCP, URL_HOST, "fe80::1%lo", 1);
    is("tcp://[fe80::1%lo]:1", URL_TCP, URL_HOST, "fe80::1%lo", 1);
    is("unix:/run/x", URL_UNIX, URL_PATH, "/run/x", 0);
    is("unix:/run/%C3%A9%20?backlog=3", URL_UNIX, URL_PATH, "/run/\xc3\xa9 ", 0);
    is("tls:client?sni=a.example", URL_TLS, URL_CLIENT, NULL, 0);
    is("tls:server", URL_TLS, URL_SERVER, NULL, 0);
    is("tls:fd:web?cert=a&key=b", URL_TLS, URL_PASSED, "web", 0);
    is("tcp:fd:3", URL_TCP, URL_PASSED, "3", 0);
}

static void no_targets(void)
{
    static char const *const texts[] = {
        "", "tls", "tls:", "tls:/", "tls://", "tls:///", "tls://:443", "tls://?a=b", "TLS://example.org",
        "http://example.org:80", "tcp://example.org", "tcp://example.org:", "tcp://example.org:65536",
        "tcp://example.org:-1", "tcp://example.org:80x",
        "tcp://example.org:80:80", "tcp://example.org:80/path",
        "tcp://example.org:80//", "tcp://a@example.org:80", "tcp://exa%6Dple.org:80", "tcp://.example.org:80",
        "tcp://[::1:80", "tcp://[[::1]]:80", "tcp://[fe80::1%]:80", "tcp://fe80::1%lo", "tcp://127.0.0.1.:80",
        "tcp://example.org..:80", "tcp://b\303\274cher.example:80", "tcp://[]:80", "tcp://[::1]80",
        "tcp://[127.0.0.1]:80", "tcp://[example]:80",
        "tcp://::1:80", "unix:", "unix:relative", "unix:/a%00b", "unix:/a%0Ab", "unix:/a%", "unix:/a%4",
        "unix:/a%zz", "tls:clients", "tls:server/", "tls:fd:", "tcp:fd:", "udp://example.org:80", "?",
    };
    char long_text[URL_MAX + 40];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) no(texts[i]);
    memset(long_text, 'a', sizeof long_text);
    memcpy(long_text, "unix:/", 6);
    long_text[6 + 108] = 0;
    no(long_text);
    long_text[6 + 108] = 'a';
    long_text[sizeof long_text - 1] = 0;
    no(long_text);
}

static int is_text(char const *got, char const *wanted)
{
    return got && !strcmp(got, wanted);
}

static void parameters(void)
{
    struct url_parameters const *p = &url.parameters;
    ok(!parse("tls://h") && p->verify && !p->version && !p->client_auth && !p->ask_sni && !p->path
           && p->timeout_ms == 30000 && !p->cert && !p->key && !p->ca && !p->exporter_len,
       "defaults");
    ok(!parse("tls://h?tls=1.2") && p->version == TLS_1_2, "tls=1.2");
    ok(!parse("tls://h?tls=1.3") && p->version == TLS_1_3, "tls=1.3");
    ok(!parse("tls://h?verify=0") && !p->verify, "verify=0");
    ok(!parse("tls://h?pin=sha256//AA==;sha256//AQ==&crl=/a%20b") && is_text(p->pin, "sha256//AA==;sha256//AQ==")
           && is_text(p->crl, "/a b"),
       "pin and crl");
    ok(!parse("tls://h?cert=/a/b%20c&key=k") && is_text(p->cert, "/a/b c") && is_text(p->key, "k"),
       "cert, key");
    ok(!parse("tls://h?sni=a.example&ca=x&alpn=h2,http/1.1&ciphers=A:B") && is_text(p->sni, "a.example")
           && is_text(p->ca, "x") && is_text(p->alpn, "h2,http/1.1") && is_text(p->ciphers, "A:B"),
       "sni, ca, alpn, ciphers");
    ok(!parse("tls://h?backlog=7&timeout=600000") && p->backlog == 7 && p->timeout_ms == 600000, "numbers");
    ok(!parse("tls://h?clientcert=request") && p->client_auth == TLS_REQUEST_CLIENT_CERT,
       "clientcert=request");
    ok(!parse("tls://h?clientcert=require") && p->client_auth == TLS_REQUIRE_CLIENT_CERT,
       "clientcert=require");
    ok(!parse("tls://h?ask=sni&path=relay") && p->ask_sni && p->path == URL_RELAY, "ask=sni, path=relay");
    ok(!parse("tls://h?path=kernel") && p->path == URL_KERNEL, "path=kernel");
    ok(!parse("tls://h?id=A-z_0.9") && is_text(p->id, "A-z_0.9"), "id");
    ok(!parse("tls://h?exporter=EXPORTER-a:b%20c:32") && is_text(p->exporter, "EXPORTER-a:b c")
           && p->exporter_len == 32,
       "exporter: the length is behind the last colon");
    ok(!url_parse_parameters(&url, "cert=c&key=k") && is_text(p->cert, "c"), "parameters alone");
    ok(!url_parse_parameters(&url, "") && !p->cert, "and none");
}

static void no_parameters(void)
{
    static char const *const lists[] = {
        "nonsense=1", "tls", "=", "tls=", "tls=1.1", "tls=1.20", "verify=2", "verify=no", "cert=a", "key=a",
        "cert=a&key=", "cert=a&key=b&cert=c", "tls=1.2&tls=1.3", "timeout=0", "timeout=-1", "timeout=600001",
        "timeout=1e3", "backlog=0", "backlog=65536", "id=a%20b", "id=", "sni=a..b", "sni=-",
        "ask=1", "ask=alpn",
        "path=user", "clientcert=1", "exporter=a", "exporter=a:", "exporter=:1", "exporter=a:0",
        "exporter=a:129", "exporter=a:1x", "tls=1.2&", "&", "&&tls=1.2", "ca=%0a", "alpn=%1f", "ca=%7F",
        "id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    char text[256];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        snprintf(text, sizeof text, "tls://h?%s", lists[i]);
        no(text);
    }
}

int main(void)
{
    targets();
    no_targets();
    parameters();
    no_parameters();
    return done_testing();
}
