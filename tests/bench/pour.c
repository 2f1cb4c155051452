/* ISC license. */

/*
 * What a server does with its data, and nothing else: pour send BYTES writes to
 * descriptor 1, pour take BYTES reads from 0 and then writes one byte; both
 * begin when one byte has come, so that the client says when.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536

static char block[BLOCK];

static int send_bytes(unsigned long long left)
{
    while (left) {
        ssize_t const n = write(1, block, left < BLOCK ? (size_t)left : BLOCK);
        if (n < 0) return 1;
        left -= (unsigned long long)n;
    }
    return 0;
}

static int take_bytes(unsigned long long left)
{
    while (left) {
        ssize_t const n = read(0, block, left < BLOCK ? (size_t)left : BLOCK);
        if (n <= 0) return 1;
        left -= (unsigned long long)n;
    }
    return write(1, block, 1) != 1;
}

int main(int argc, char **argv)
{
    if (argc != 3 || read(0, block, 1) != 1) return 1;
    unsigned long long const bytes = strtoull(argv[2], NULL, 10);
    return strcmp(argv[1], "send") ? take_bytes(bytes) : send_bytes(bytes);
}
