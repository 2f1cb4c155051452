/* ISC license. */

#include "protocol/url.h"

#include <string.h>
#include <sys/un.h>

#include <skalibs/types.h>

#include "protocol/escape.h"
#include "tls/tls.h"
#include "x509/x509.h"

#define DEFAULT_TIMEOUT_MS 30000
#define MAX_TIMEOUT_MS 600000
#define DEFAULT_BACKLOG 1024
#define MAX_BACKLOG 65535
#define MAX_ID 64
#define MAX_PARAMETERS 24

/* ---- parameters ---- */

#define FIELD(name) offsetof(struct url_parameters, name)

enum parameter_kind { TEXT, NUMBER, CHOICE };

static struct parameter {
    char const *name;
    enum parameter_kind kind;
    size_t field;
    unsigned int number; /* NUMBER: the greatest; CHOICE: what the value means */
    char const *value;   /* of a CHOICE */
} const parameters[] = {
    { "ciphers", TEXT, FIELD(ciphers), 0, NULL },
    { "alpn", TEXT, FIELD(alpn), 0, NULL },
    { "sni", TEXT, FIELD(sni), 0, NULL },
    { "ca", TEXT, FIELD(ca), 0, NULL },
    { "pin", TEXT, FIELD(pin), 0, NULL },
    { "crl", TEXT, FIELD(crl), 0, NULL },
    { "cert", TEXT, FIELD(cert), 0, NULL },
    { "key", TEXT, FIELD(key), 0, NULL },
    { "exporter", TEXT, FIELD(exporter), 0, NULL },
    { "id", TEXT, FIELD(id), 0, NULL },
    { "backlog", NUMBER, FIELD(backlog), MAX_BACKLOG, NULL },
    { "timeout", NUMBER, FIELD(timeout_ms), MAX_TIMEOUT_MS, NULL },
    { "tls", CHOICE, FIELD(version), TLS_1_2, "1.2" },
    { "tls", CHOICE, FIELD(version), TLS_1_3, "1.3" },
    { "verify", CHOICE, FIELD(verify), 0, "0" },
    { "verify", CHOICE, FIELD(verify), 1, "1" },
    { "clientcert", CHOICE, FIELD(client_auth), TLS_REQUEST_CLIENT_CERT, "request" },
    { "clientcert", CHOICE, FIELD(client_auth), TLS_REQUIRE_CLIENT_CERT, "require" },
    { "ask", CHOICE, FIELD(ask_sni), 1, "sni" },
    { "path", CHOICE, FIELD(path), URL_KERNEL, "kernel" },
    { "path", CHOICE, FIELD(path), URL_RELAY, "relay" },
};

#define PARAMETERS (sizeof parameters / sizeof *parameters)

static int has_control_character(char const *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f) return 1;
    return 0;
}

static int decode_value(char *text)
{
    return ktls_unescape(text) && !has_control_character(text);
}

static char const *set_text(char const **field, char *value)
{
    if (!*value) return "a parameter is empty";
    *field = value;
    return decode_value(value) ? NULL : "a parameter is escaped wrongly";
}

static char const *set_number(unsigned int *field, char const *value, unsigned int max)
{
    if (uint0_scan(value, field) && *field && *field <= max) return NULL;
    return "backlog and timeout are numbers, up to 65535 and 600000";
}

static char const *set_value(struct url_parameters *p, struct parameter const *parameter, char *value)
{
    void *field = (char *)p + parameter->field;
    if (parameter->kind == TEXT) return set_text(field, value);
    if (parameter->kind == NUMBER) return set_number(field, value, parameter->number);
    if (strcmp(parameter->value, value)) return "a parameter has an unknown value";
    *(unsigned int *)field = parameter->number;
    return NULL;
}

static char const *set_parameter(struct url_parameters *p, char *name)
{
    char const *why = "an unknown parameter";
    char *value = strchr(name, '=');
    if (!value) return "a parameter without a value";
    *value++ = 0;
    for (size_t i = 0; why && i < PARAMETERS; i++)
        if (!strcmp(parameters[i].name, name)) why = set_value(p, parameters + i, value);
    return why;
}

/* label:length; the label may have colons itself. */
static char const *split_exporter(struct url *url)
{
    struct url_parameters *p = &url->parameters;
    if (!p->exporter) return NULL;
    char *length = strrchr(url->text + (p->exporter - url->text), ':');
    if (!length || length == p->exporter || !uint0_scan(length + 1, &p->exporter_len) || !p->exporter_len
        || p->exporter_len > URL_MAX_EXPORT)
        return "exporter is label:length, the length up to 128";
    *length = 0;
    return NULL;
}

static int is_id(char const *id)
{
    static char const allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return strlen(id) <= MAX_ID && !id[strspn(id, allowed)];
}

/* In place: a reference name is never longer than what was given. */
static char const *normalize_name(char *given)
{
    char name[X509_MAX_NAME + 1];
    char const *const why = x509_reference_name(name, given);
    if (!why) memcpy(given, name, strlen(name) + 1);
    return why;
}

static char const *check_sni(struct url *url)
{
    char const *const sni = url->parameters.sni;
    if (!sni || !normalize_name(url->text + (sni - url->text))) return NULL;
    return "sni is neither a DNS name (in ASCII) nor an IP address";
}

static char const *check_parameters(struct url *url)
{
    struct url_parameters const *p = &url->parameters;
    if (!p->cert != !p->key) return "of cert and key one is missing";
    if (p->id && !is_id(p->id)) return "id is up to 64 letters, digits, dots, hyphens and underscores";
    return check_sni(url);
}

/* set_parameter has left the names of the earlier parameters in place. */
static int is_repeated_parameter(char const *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], names[count])) return 1;
    return 0;
}

static char const *parse_parameters(struct url *url, char *list)
{
    char const *names[MAX_PARAMETERS], *why = NULL;
    url->parameters = (struct url_parameters){ .verify = 1, .backlog = DEFAULT_BACKLOG,
                                               .timeout_ms = DEFAULT_TIMEOUT_MS };
    char *next = list && *list ? list : NULL;
    for (size_t count = 0; next && !why; count++) {
        if (count == MAX_PARAMETERS) return "too many parameters";
        char *parameter = next;
        next = strchr(parameter, '&');
        if (next) *next++ = 0;
        names[count] = parameter;
        why = set_parameter(&url->parameters, parameter);
        if (!why && is_repeated_parameter(names, count)) return "a parameter is given twice";
    }
    if (!why) why = split_exporter(url);
    return why ? why : check_parameters(url);
}

/* ---- what is before the parameters ---- */

static char const *parse_port(struct url *url, char const *text)
{
    unsigned int port;
    if (!text && url->scheme == URL_TLS) text = "443";
    if (!text) return "the port is missing";
    if (!uint0_scan(text, &port) || port > 65535) return "not a port";
    url->port = (uint16_t)port;
    return NULL;
}

/* Brackets are for IPv6 addresses, and for nothing else (RFC 3986, 3.2.2). */
static int is_url_host(char const *host, int bracketed)
{
    char name[X509_MAX_NAME + 1];
    return !strchr(host, ':') == !bracketed && *host != '[' && !x509_reference_name(name, host);
}

/* The zone of an address has its percent sign escaped (RFC 6874, 2); most people
   write it as it is. */
static void unescape_zone(char *host)
{
    char *const escaped = strstr(host, "%25");
    if (escaped && escaped[3]) memmove(escaped + 1, escaped + 3, strlen(escaped + 3) + 1);
}

/* host, host:port, [IPv6]:port; a slash at the end is ignored. */
static char const *parse_authority(struct url *url, char *text)
{
    size_t const len = strlen(text);
    int const bracketed = *text == '[';
    if (len && text[len - 1] == '/') text[len - 1] = 0;
    char *end = bracketed ? strchr(text, ']') : text + strcspn(text, ":");
    if (!end) return "a bracket is missing";
    if (bracketed) *end++ = 0;
    if (*end && *end != ':') return "not a host";
    char const *port = *end ? end + 1 : NULL;
    *end = 0;
    url->target = URL_HOST;
    url->where = text + bracketed;
    if (bracketed) unescape_zone(text + bracketed);
    return is_url_host(url->where, bracketed) ? parse_port(url, port) : "not a host";
}

static char const *parse_path(struct url *url, char *path)
{
    url->target = URL_PATH;
    url->where = path;
    if (!decode_value(path)) return "the path is escaped wrongly";
    if (*path != '/') return "the path does not start with a slash";
    return strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path ? NULL : "the path is too long";
}

static char const *parse_passed_name(struct url *url, char const *name)
{
    url->target = URL_PASSED;
    url->where = name;
    return *name ? NULL : "the name of the descriptor is missing";
}

static char *skip_prefix(char *text, char const *prefix)
{
    size_t const len = strlen(prefix);
    return strncmp(text, prefix, len) ? NULL : text + len;
}

static char const *parse_target(struct url *url)
{
    char *rest;
    url->scheme = URL_TLS;
    if ((rest = skip_prefix(url->text, "tls://"))) return parse_authority(url, rest);
    if ((rest = skip_prefix(url->text, "tls:fd:"))) return parse_passed_name(url, rest);
    if (!strcmp(url->text, "tls:client") || !strcmp(url->text, "tls:server")) {
        url->target = strcmp(url->text, "tls:client") ? URL_SERVER : URL_CLIENT;
        return NULL;
    }
    url->scheme = URL_TCP;
    if ((rest = skip_prefix(url->text, "tcp://"))) return parse_authority(url, rest);
    if ((rest = skip_prefix(url->text, "tcp:fd:"))) return parse_passed_name(url, rest);
    url->scheme = URL_UNIX;
    if ((rest = skip_prefix(url->text, "unix:"))) return parse_path(url, rest);
    return "not a URL of this protocol";
}

static char const *copy_text(struct url *url, char const *text)
{
    size_t const len = strlen(text);
    if (len > URL_MAX) return "the URL is too long";
    memset(url, 0, sizeof *url);
    memcpy(url->text, text, len);
    return NULL;
}

char const *url_parse(struct url *url, char const *text)
{
    char const *why = copy_text(url, text);
    if (why) return why;
    char *list = strchr(url->text, '?');
    if (list) *list++ = 0;
    why = parse_target(url);
    return why ? why : parse_parameters(url, list);
}

char const *url_parse_parameters(struct url *url, char const *text)
{
    char const *why = copy_text(url, text);
    return why ? why : parse_parameters(url, url->text);
}
