/* ISC license. */

/* The pins of certificates in a file. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <skalibs/strerr.h>

#include "check/check.h"
#include "program/program.h"
#include "x509/bundle.h"

static void print_pin(struct x509_certificate const *cert)
{
    char pin[X509_PIN_TEXT], subject[512];
    if (!x509_pin(cert, pin)) return;
    x509_subject(cert, subject, sizeof subject);
    printf("%s %s\n", pin, subject);
}

void check_print_pins(char const *path)
{
    static unsigned char room[X509_MAX_FILE];
    struct x509_trust file;
    char const *culprit;
    enum x509_error error = x509_trust_load(&file, NULL, path, &culprit);
    if (error == X509_NO_ANCHORS) error = X509_NO_CERTIFICATE;
    if (error) strerr_dief(EXIT_CREDENTIAL, path, ": ", x509_strerror(error));
    for (size_t i = 0; i < file.certificates.count; i++) {
        struct der const whole = x509_bundle_item(&file.certificates, i, room, sizeof room);
        if (whole.p) print_pin(&(struct x509_certificate){ whole.p, whole.len });
    }
    x509_trust_free(&file);
}
