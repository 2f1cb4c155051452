/* ISC license. */

/* What the tests of the x509 layer share: a throw-away PKI, and chains from its
   files. */

#ifndef X509_PKI_H
#define X509_PKI_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"
#include "x509/file.h"
#include "x509/pem.h"
#include "x509/x509.h"

static char pki_dir[] = "/tmp/ktls-x509-XXXXXX";

static void pki_remove(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", pki_dir);
    if (system(command)) diag("cannot remove %s", pki_dir);
}

/* Copied from $KTLS_PKI if it is there, because making it takes most of the test's time;
   else the test must run in the top folder. */
static void pki_make(void)
{
    char command[256];
    if (!mkdtemp(pki_dir)) exit(111);
    atexit(pki_remove);
    snprintf(command, sizeof command,
             "{ test -d \"$KTLS_PKI/odd\" && cp -R \"$KTLS_PKI/.\" %s || tests/lib/pki %s odd; } >%s/log 2>&1 ||"
             " { cat %s/log; exit 1; }",
             pki_dir, pki_dir, pki_dir, pki_dir);
    if (system(command)) exit(111);
}

/* Valid for the next seven calls. */
static char const *pki_path(char const *name)
{
    static char paths[8][256];
    static unsigned turn;
    char *const path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", pki_dir, name);
    return path;
}

static inline void pki_write(char const *name, void const *bytes, size_t len)
{
    FILE *const file = fopen(pki_path(name), "w");
    if (!file || fwrite(bytes, 1, len, file) != len || fclose(file)) exit(111);
}

struct pki_chain {
    struct x509_chain chain;
    unsigned char der[64 << 10];
    size_t used;
};

static void pki_append_file(struct pki_chain *chain, char const *name)
{
    struct file file = {.bytes = NULL};
    struct pem pem;
    if (x509_file_read(&file, AT_FDCWD, pki_path(name), 1 << 20)) {
        diag("cannot read %s", name);
        exit(111);
    }
    x509_pem_init(&pem, file.bytes, file.len);
    while (x509_pem_next(&pem)) {
        struct x509_certificate *const cert = &chain->chain.cert[chain->chain.count];
        if (!x509_pem_has_label(&pem, "CERTIFICATE")) continue;
        cert->der = chain->der + chain->used;
        if (!x509_base64_decode(pem.body, pem.body_len, chain->der + chain->used, &cert->len)) exit(111);
        chain->used += cert->len;
        chain->chain.count++;
    }
    x509_file_free(&file);
}

/* All certificates of files whose names are separated by spaces. */
static inline void pki_chain_of(struct pki_chain *chain, char const *names)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", names);
    chain->chain.count = chain->used = 0;
    for (char *name = strtok(copy, " "); name; name = strtok(NULL, " ")) pki_append_file(chain, name);
}

#endif
