/* ISC license. */

#include <errno.h>
#include <string.h>

#include "x509/x509.h"

char const *x509_strerror(enum x509_error error)
{
#define TEXT(name, text) text,
    static char const *const text_of[] = { X509_ERRORS(TEXT) };
    if (error == X509_SYSTEM) return strerror(errno);
    return (size_t)error < sizeof text_of / sizeof *text_of ? text_of[error] : "unknown error";
}
