/* ISC license. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "protocol/address.h"
#include "worker/worker.h"

static int is_plain(unsigned char c)
{
    return c > ' ' && c <= '~' && c != '%';
}

void facts_add(struct facts *facts, char const *name, char const *value)
{
    size_t const before = facts->len;
    int n = snprintf(facts->text + before, sizeof facts->text - before, " %s=", name);
    if (!*value) n = 0;
    for (; n > 0 && before + (size_t)n + 3 < sizeof facts->text && *value; value++) {
        char *out = facts->text + before + n;
        unsigned char const c = (unsigned char)*value;
        n += is_plain(c) ? snprintf(out, 2, "%c", c) : snprintf(out, 4, "%%%02X", c);
    }
    if (!*value) facts->len += (size_t)n;
    facts->text[facts->len] = 0;
}

void facts_add_hex(struct facts *facts, char const *name, char const *prefix, unsigned char const *bytes,
                   size_t len)
{
    char text[16 + 2 * URL_MAX_EXPORT + 1];
    int n = snprintf(text, 16, "%s", prefix);
    for (size_t i = 0; i < len; i++) n += snprintf(text + n, 3, "%02x", bytes[i]);
    facts_add(facts, name, text);
}

/* What can be long comes last. */
void facts_add_session(struct facts *facts, struct tls_session const *session, char const *path)
{
    facts_add(facts, "protocol", session->version == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    facts_add(facts, "cipher", session->suite->name);
    facts_add(facts, "path", path);
    if (session->peer_verified)
        facts_add_hex(facts, "peer", "SHA256:", session->peer_hash, sizeof session->peer_hash);
    facts_add(facts, "sni", session->server_name);
    facts_add(facts, "alpn", session->alpn);
    if (!session->peer_verified) return;
    facts_add(facts, "subject", session->peer_subject);
    facts_add(facts, "san", session->peer_alt_names);
}

void facts_add_remote(struct facts *facts, int fd)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof address;
    char text[ADDRESS_MAX];
    if (getpeername(fd, (struct sockaddr *)&address, &len) < 0) return;
    address_format(text, &address);
    facts_add(facts, "remote", text);
}
