/* ISC license. */

/* Private to endpoint: keys, certificates and trust anchors of a handshake. */

#ifndef KTLS_CREDENTIALS_H
#define KTLS_CREDENTIALS_H

#include "endpoint/places.h"

struct credentials {
    struct x509_trust trust;
    struct x509_pins pins;
    struct x509_crls crls;
    struct places places;
    struct x509_credential own[2];
    unsigned char is_loaded[2];
    struct tls_ticket_keys ticket_keys;
    int files_fd;                /* who opens files for us, in jail; -1: we do */
    int spare[2];                /* descriptors to be closed before */
    struct program_error *error; /* also of a file that is loaded when the hello is known */
};

/* Loads what the settings ask for and points config at it. Where the hello decides
   about certificates, config->choose loads them when it is known. */
extern int credentials_load(struct credentials *credentials, struct tls_config *config,
                            struct endpoint_settings const *settings, struct program_error *error);
/* Whatever was loaded. */
extern void credentials_free(struct credentials *credentials);

#endif
