/* ISC license. */

/* [tcpclient,] ktls-tlsc, prog */

#include "front/front.h"

#define TCP FRONT_TCP
#define NONE { NULL, NULL }
#define NOWHERE FRONT_UCSPI_CANNOT
#define NOT_OURS(why) { [FRONT_OWN] = why }

static struct front_option const options[] = {
    { 'q', "quiet", NULL, OPTION_FLAG, TCP, { "-q", "-q" }, FRONT_QUIET, "errors only", FRONT_CAN },
    { 'Q', "usual", NULL, OPTION_FLAG, TCP, { "-Q", "-Q" }, FRONT_USUAL, "and warnings (default)",
      FRONT_CAN },
    { 'v', "verbose", NULL, OPTION_FLAG, TCP, { "-v", "-v" }, FRONT_VERBOSE, "and what was agreed",
      FRONT_CAN },
    { '4', "ipv4", NULL, OPTION_FLAG, TCP, { "-4", NULL }, 0, "addresses of host", FRONT_CAN },
    { '6', "ipv6", NULL, OPTION_FLAG, TCP, { "-6", NULL }, 0, "addresses of host", NOWHERE("has no IPv6") },
    { 'd', "delay", NULL, OPTION_FLAG, TCP, { "-d", "-d" }, 0, "Nagle's algorithm (default)", FRONT_CAN },
    { 'D', "no-delay", NULL, OPTION_FLAG, TCP, { "-D", "-D" }, 0, "TCP_NODELAY", FRONT_CAN },
    { 'r', "ident", NULL, OPTION_FLAG, TCP, { "-r", "-r" }, 0, "ask the IDENT server",
      NOT_OURS("does not ask IDENT servers") },
    { 'R', "no-ident", NULL, OPTION_FLAG, TCP, { "-R", "-R" }, 0, "do not (default)", FRONT_CAN },
    { 'h', "hosts", NULL, OPTION_FLAG, TCP, { "-h", NULL }, FRONT_HOSTS, "read /etc/hosts before the DNS",
      NOWHERE("does not read /etc/hosts") },
    { 'H', "no-lookups", NULL, OPTION_FLAG, TCP, { "-H", NULL }, FRONT_NO_LOOKUPS, "no names by address",
      FRONT_CAN },
    { 'n', "qualify", NULL, OPTION_FLAG, TCP, { "-n", NULL }, 0, "complete the name of host", FRONT_CAN },
    { 'N', "no-qualify", NULL, OPTION_FLAG, TCP, { "-N", NULL }, 0, "do not",
      { [FRONT_UCSPI] = "completes every name", [FRONT_OWN] = "completes names as the system does" } },
    { 't', "timeout", "s", OPTION_NUMBER, TCP, { "-t", NULL }, 0, "for the connection and all lookups",
      NOWHERE("has no such deadline, but -T") },
    { 'l', "local-name", "name", OPTION_TEXT, TCP, { "-l", "-l" }, FRONT_LOCAL_NAME,
      "instead of looking it up", FRONT_CAN },
    { 'T', "connect-timeout", "x+y", OPTION_TEXT, TCP, { "-T", "-T" }, 0,
      "for each address, and when it is tried again", FRONT_CAN },
    { 'i', "local-ip", "ip", OPTION_TEXT, TCP, { "-i", "-i" }, 0, "address to connect from", FRONT_CAN },
    { 'p', "local-port", "port", OPTION_NUMBER, TCP, { "-p", "-p" }, 0, "port to connect from", FRONT_CAN },

    /* s6-networking's words */
    { 0, "normally-verbose", NULL, OPTION_FLAG, TCP, { "-Q", "-Q" }, FRONT_USUAL, "-Q", FRONT_CAN },
    { 0, "nagle", NULL, OPTION_FLAG, TCP, { "-d", "-d" }, 0, "-d", FRONT_CAN },
    { 0, "no-nagle", NULL, OPTION_FLAG, TCP, { "-D", "-D" }, 0, "-D", FRONT_CAN },
    { 0, "dns", NULL, OPTION_FLAG, TCP, NONE, FRONT_LOOKUPS, "not -H", FRONT_CAN },
    { 0, "no-dns", NULL, OPTION_FLAG, TCP, { "-H", NULL }, FRONT_NO_LOOKUPS, "-H", FRONT_CAN },
    { 0, "no-hosts", NULL, OPTION_FLAG, TCP, NONE, FRONT_NO_HOSTS, "not -h", FRONT_CAN },
    { 0, "connection-timeouts", "x+y", OPTION_TEXT, TCP, { "-T", "-T" }, 0, "-T", FRONT_CAN },

    { 0, "no-servername", NULL, OPTION_FLAG, FRONT_OURS, NONE, FRONT_SERVERNAME,
      "send and verify no name at all", FRONT_CAN },
    { 0, "tcpclient", "which", OPTION_TEXT, FRONT_OURS, NONE, FRONT_SUPERSERVER, "auto, s6, own or a path",
      FRONT_CAN },
};

int main(int argc, char const *const *argv)
{
    static struct front_end const end = {
        .options = options,
        .count = sizeof options / sizeof *options,
        .operands = "host port prog...",
        .superservers = { "s6-tcpclient", "tcpclient" },
        .tls = CHAIN_TLSC,
        .tls_name = "ktls-tlsc",
        .effects = FRONT_CLIENT,
    };
    PROG = "ktls-tlsclient";
    front_run(&end, argc, argv);
}
