/* ISC license. */

/* Names of TLS servers (RFC 9525). */

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "x509/certificate.h"

#define MAX_DNS_NAME 253
#define MAX_LABEL 63

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_label(char const *label, size_t len)
{
    if (!len || len > MAX_LABEL || label[0] == '-' || label[len - 1] == '-') return 0;
    for (size_t i = 0; i < len; i++)
        if (!is_digit(label[i]) && !is_letter(label[i]) && label[i] != '-' && label[i] != '_') return 0;
    return 1;
}

static int is_number(char const *label, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_digit(label[i])) return 0;
    return 1;
}

static size_t label_length(char const *name, size_t len)
{
    char const *const dot = memchr(name, '.', len);
    return dot ? (size_t)(dot - name) : len;
}

/* A name whose last label is a number is an IPv4 address in some form. */
int x509_is_dns_name(char const *name, size_t len)
{
    if (!len || len > MAX_DNS_NAME) return 0;
    for (;;) {
        size_t const label = label_length(name, len);
        if (!is_label(name, label)) return 0;
        if (label == len) return !is_number(name, label);
        name += label + 1;
        len -= label + 1;
    }
}

/* The length of the address; 0 if name is not an address. */
static size_t parse_address(char const *name, unsigned char address[16])
{
    if (inet_pton(AF_INET, name, address) == 1) return 4;
    if (inet_pton(AF_INET6, name, address) == 1) return 16;
    return 0;
}

int x509_is_ip_address(char const *name)
{
    unsigned char address[16];
    return parse_address(name, address) != 0;
}

static int equal_names(char const *a, size_t a_len, char const *b, size_t b_len)
{
    return a_len == b_len && !strncasecmp(a, b, a_len);
}

/* A wildcard stands for one whole label, and at least two labels must follow it. */
int x509_matches_wildcard(char const *suffix, size_t suffix_len, char const *name, size_t name_len)
{
    size_t const label = label_length(name, name_len);
    if (label == name_len || !x509_is_dns_name(suffix, suffix_len) || !memchr(suffix, '.', suffix_len))
        return 0;
    return equal_names(suffix, suffix_len, name + label + 1, name_len - label - 1);
}

static int matches_dns_name(struct der presented, char const *name, size_t len)
{
    char const *const pattern = (char const *)presented.p;
    if (presented.len > 2 && pattern[0] == '*' && pattern[1] == '.')
        return x509_matches_wildcard(pattern + 2, presented.len - 2, name, len);
    return x509_is_dns_name(pattern, presented.len) && equal_names(pattern, presented.len, name, len);
}

struct reference {
    char const *name;
    size_t len;
    unsigned char address[16];
    size_t address_len; /* 0 for a DNS name */
};

static int matches(unsigned tag, struct der presented, struct reference const *reference)
{
    if (reference->address_len)
        return tag == NAME_ADDRESS && x509_der_is(presented, reference->address, reference->address_len);
    return tag == NAME_DNS && matches_dns_name(presented, reference->name, reference->len);
}

/* The common name is never compared. */
enum x509_error x509_check_identity(struct certificate const *cert, char const *name)
{
    struct reference reference = {.name = name, .len = strlen(name)};
    struct der names = cert->extension[EXT_SUBJECT_ALT_NAME], presented;
    unsigned tag;
    int found = 0;
    reference.address_len = parse_address(name, reference.address);
    if (!reference.address_len && !x509_is_dns_name(name, reference.len)) return X509_WRONG_NAME;
    if (!names.p) return X509_NO_ALT_NAME;
    while (x509_der_read(&names, &tag, &presented)) found |= matches(tag, presented, &reference);
    return found ? X509_OK : X509_WRONG_NAME;
}
