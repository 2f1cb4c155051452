/* ISC license. */

#include "program/program.h"

char const program_version[] = KTLS_VERSION;
