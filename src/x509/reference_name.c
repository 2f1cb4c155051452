/* ISC license. */

/* Names of servers as users write them. */

#include <string.h>

#include "x509/x509.h"

static int is_ascii(char const *name)
{
    while (*name > 0) name++;
    return !*name;
}

/* [IPv6], with brackets as in URLs (RFC 3986, 3.2.2). */
static int remove_brackets(char *name)
{
    size_t const len = strlen(name);
    if (*name != '[') return 1;
    if (len < 3 || name[len - 1] != ']' || !memchr(name, ':', len)) return 0;
    memmove(name, name + 1, len - 2);
    name[len - 2] = 0;
    return 1;
}

/* The zone of an IPv6 address (RFC 6874) says how this machine reaches it, and
   is in no certificate. */
static void remove_zone(char *name)
{
    char *const percent = strchr(name, '%');
    if (!percent || percent == name || !percent[1] || !strchr(name, ':')) return;
    *percent = 0;
    if (!x509_is_ip_address(name)) *percent = '%';
}

/* The dot of the DNS root (RFC 1034, 3.1) is not part of a name in a
   certificate or in server_name (RFC 6066, 3). */
static void remove_final_dot(char *name)
{
    size_t const len = strlen(name);
    if (len > 1 && name[len - 1] == '.') name[len - 1] = 0;
}

char const *x509_reference_name(char out[X509_MAX_NAME + 1], char const *given)
{
    size_t const len = strlen(given);
    if (!is_ascii(given)) return "the name is not ASCII: write its A-label form, xn--...";
    if (len > X509_MAX_NAME) return "the name is too long";
    memcpy(out, given, len + 1);
    if (!remove_brackets(out)) return "neither a DNS name nor an IP address";
    remove_zone(out);
    if (x509_is_ip_address(out)) return NULL;
    remove_final_dot(out);
    return x509_is_dns_name(out, strlen(out)) ? NULL : "neither a DNS name nor an IP address";
}
