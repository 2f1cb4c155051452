/* ISC license. */

/* Whether the configuration in the environment is sound, as a table or as JSON. */

#include <stdio.h>
#include <time.h>

#include "endpoint/review.h"
#include "check/check.h"

struct listing {
    unsigned int json, verbosity;
    size_t count;
    int errors;
};

static void print_finding(struct listing const *listing, char const *level, char const *what, char const *why)
{
    if (listing->json) {
        printf("%s\n    {\"level\": \"%s\", \"what\": ", listing->count ? "," : "", level);
        check_print_string(what);
        printf(", \"why\": ");
        check_print_string(why);
        printf("}");
    } else
        printf("%-8s %s: %s\n", level, what, why);
}

static void take_listed(void *ctx, enum review_level level, char const *what, char const *why)
{
    static char const *const names[] = { "good", "note", "warning", "error" };
    struct listing *listing = ctx;
    if (level == REVIEW_ERROR) listing->errors = 1;
    if (listing->verbosity || listing->json) print_finding(listing, names[level], what, why);
    listing->count++;
}

int check_configuration(struct check_configuration const *wanted)
{
    struct endpoint_settings settings = { .role = wanted->server ? KTLS_SERVER : KTLS_CLIENT,
                                          .sni_level = wanted->sni_level,
                                          .client_auth = wanted->client_auth,
                                          .client_cert = wanted->client_auth };
    struct listing listing = { .json = wanted->json, .verbosity = wanted->verbosity };
    struct program_error error;
    struct review const review = { .report = &take_listed, .ctx = &listing, .now = time(NULL), .settings = &settings };
    if (!endpoint_read_variables(&settings, &error)) program_die(&error);
    if (listing.json) printf("{\n  \"findings\": [");
    if (!review_settings(&review, &error)) program_die(&error);
    if (listing.json) printf("\n  ],\n  \"sound\": %s\n}\n", listing.errors ? "false" : "true");
    return !listing.errors;
}
