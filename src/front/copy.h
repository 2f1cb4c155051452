/* ISC license. */

/* Copies a client's stream to a backend and the backend's to the client, by splice(2). */

#ifndef KTLS_COPY_H
#define KTLS_COPY_H

/* The two of the client may be one socket; the backend is a socket. All stay
   the caller's, and become non-blocking. */
struct copy_ends {
    int client_read, client_write, backend;
    unsigned int idle_ms; /* without data either way that end it; 0: any */
};

enum copy_result {
    COPY_DONE,   /* both streams have ended, or one that nobody reads any more */
    COPY_IDLE,
    COPY_BROKEN, /* errno: of the connection that broke */
};

extern enum copy_result copy_both_ways(struct copy_ends const *ends);

#endif
