/* ISC license. */

/* Whether the dynamic linker would preload a library of ours into a program. */

#ifndef KTLS_EOF_ELF_H
#define KTLS_EOF_ELF_H

/* NULL, or why not: static text. path is what execve(2) would be given. */
extern char const *preload_refusal(char const *path);

#endif
