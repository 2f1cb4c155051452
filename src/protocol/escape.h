/* ISC license. */

/* %XX, as in URLs (RFC 3986, 2.1). */

#ifndef KTLS_PROTOCOL_ESCAPE_H
#define KTLS_PROTOCOL_ESCAPE_H

/* In place. 0: wrongly escaped, or an escaped null byte, which a C string cannot hold. */
extern int ktls_unescape(char *text);

#endif
