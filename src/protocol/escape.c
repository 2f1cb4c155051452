/* ISC license. */

#include "protocol/escape.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

int ktls_unescape(char *text)
{
    char *out = text;
    for (; *text; text++, out++) {
        *out = *text;
        if (*text != '%') continue;
        int const high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
        if (low < 0 || high + low == 0) return 0;
        *out = (char)(high << 4 | low);
        text += 2;
    }
    *out = 0;
    return 1;
}
