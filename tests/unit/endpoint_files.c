/* ISC license. */

/* What a handshake in jail may ask for: the files of one server name, and
   nothing else. Uses $KTLS_PKI. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint/places.h"
#include "tap.h"

static struct places places;
static struct files_server server;
static int ends[2];
static struct program_error error;

static void begin(void)
{
    if (ends[0]) close(ends[0]), close(ends[1]);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) abort();
    server = (struct files_server){ .places = &places };
}

static int answer(enum place place, char const *name, unsigned int second)
{
    struct files_request request = { .place = (unsigned char)place, .second = (unsigned char)second };
    strncpy(request.server_name, name, sizeof request.server_name - 1);
    return privsep_answer_files(&server, ends[0], &request);
}

/* Both ends in one process: the answer is there before it is waited for. */
static int ask(enum place place, char const *name, struct opened_pair *pair)
{
    int spare[2] = { -1, -1 };
    if (!answer(place, name, 0)) return -2;
    return privsep_ask_files(ends[1], spare, place, name, 0, pair, &error);
}

static void one_name(void)
{
    struct opened_pair pair;
    begin();
    ok(ask(PLACE_VARIABLE, "one.test", &pair) == 1 && pair.cert.fd >= 0 && pair.key.fd >= 0,
       "the files of a name are opened");
    ok(pair.cert.size > 100 && pair.key.size > 100 && strstr(pair.certfile, "ec256.crt"), "and named");
    places_close(&pair);
    ok(ask(PLACE_WILDCARD, "one.test", &pair) == 0, "the same name, another place: there is nothing");
    ok(!answer(PLACE_VARIABLE, "two.test", 0), "another name is refused");
    ok(!answer(PLACE_DEFAULT, "", 0), "and so is no name");
    begin();
    ok(ask(PLACE_VARIABLE, "gone.test", &pair) == -1 && strstr(error.text, "nonexistent") &&
           strstr(error.text, strerror(ENOENT)),
       "a file that is not there: %s", error.text);
}

static void improper(void)
{
    static char const *const names[] = { "..", "../x", "a/b", "one.test/", "*.test", "one.test.", " ", "127.0.0.1" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        begin();
        ok(!answer(PLACE_FOLDER, names[i], 0), "'%s' is refused", names[i]);
    }
    begin();
    ok(!answer(PLACES, "one.test", 0), "an unknown place");
    ok(!answer(PLACE_VARIABLE, "one.test", 2), "a third certificate");
    struct files_request request = { .place = PLACE_VARIABLE };
    memset(request.server_name, 'a', sizeof request.server_name);
    ok(!privsep_answer_files(&server, ends[0], &request), "a name without an end");
}

static void too_often(void)
{
    struct opened_pair pair;
    int count = 0;
    begin();
    for (int result = 0; result != -2 && count < 1000; count++) {
        result = ask(PLACE_WILDCARD, "one.test", &pair);
        places_close(&pair);
    }
    ok(count > 50 && count < 1000, "requests are bounded (%d)", count);
}

static void set(char const *variable, char const *file)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("KTLS_PKI"), file);
    setenv(variable, path, 1);
}

int main(void)
{
    set("CERTFILE:one.test", "ec256.crt");
    set("KEYFILE:one.test", "ec256.key");
    set("CERTFILE:two.test", "ec384.crt");
    set("KEYFILE:two.test", "ec384.key");
    setenv("CERTFILE:gone.test", "/nonexistent/crt", 1);
    setenv("KEYFILE:gone.test", "/nonexistent/key", 1);
    places = (struct places){ .has_variables = 1, .folder = "/nonexistent" };
    one_name();
    improper();
    too_often();
    return done_testing();
}
