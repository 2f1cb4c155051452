/* ISC license. */

/* tcpserver, access control, [PROXY header,] ktls-tlsd, [privileges,] prog */

#include "front/front.h"

#define TCP FRONT_TCP
#define ACCESS FRONT_ACCESS
#define APPLY FRONT_APPLY
#define NONE { NULL, NULL }
#define NOWHERE FRONT_UCSPI_CANNOT

static struct front_option const options[] = {
    { 'q', "quiet", NULL, OPTION_FLAG, TCP, { "-q", "-q" }, FRONT_QUIET, "errors only", FRONT_CAN },
    { 'Q', "usual", NULL, OPTION_FLAG, TCP, { "-Q", "-Q" }, FRONT_USUAL, "and warnings (default)",
      FRONT_CAN },
    { 'v', "verbose", NULL, OPTION_FLAG, TCP, { "-v", "-v" }, FRONT_VERBOSE, "and connections", FRONT_CAN },
    { '4', "ipv4", NULL, OPTION_FLAG, TCP, { "-4", NULL }, 0, "ip is IPv4", FRONT_CAN },
    { '6', "ipv6", NULL, OPTION_FLAG, TCP, { "-6", NULL }, 0, "ip is IPv6", FRONT_CAN },
    { '1', "print-port", NULL, OPTION_FLAG, TCP, { "-1", "-1" }, 0, "print the port when ready", FRONT_CAN },
    { 'c', "max-connections", "n", OPTION_NUMBER, TCP, { "-c", "-c" }, 0, "at one time", FRONT_CAN },
    { 'C', "max-per-address", "n", OPTION_NUMBER, TCP, { "-C", NULL }, 0, "connections from one address",
      NOWHERE("does not count by address") },
    { 'b', "backlog", "n", OPTION_NUMBER, TCP, { "-b", "-b" }, 0, "of connections to be accepted",
      FRONT_CAN },

    { 'e', "access", NULL, OPTION_FLAG, ACCESS, NONE, FRONT_NEEDS_ACCESS | FRONT_VARIABLES_ONLY,
      "look up names even if nothing else needs it", FRONT_CAN },
    { 'w', "strict", NULL, OPTION_FLAG, ACCESS, { "-w", NULL }, 0, "failing lookups end the connection",
      NOWHERE("goes on when a lookup fails") },
    { 'W', "no-strict", NULL, OPTION_FLAG, ACCESS, { "-W", NULL }, 0, "they do not (default)", FRONT_CAN },
    { 'd', "delay", NULL, OPTION_FLAG, ACCESS, { "-d", "-d" }, 0, "Nagle's algorithm (default)", FRONT_CAN },
    { 'D', "no-delay", NULL, OPTION_FLAG, ACCESS, { "-D", "-D" }, FRONT_NEEDS_ACCESS, "TCP_NODELAY",
      FRONT_CAN },
    { 'r', "ident", NULL, OPTION_FLAG, ACCESS, { "-r", "-r" }, FRONT_NEEDS_ACCESS, "ask the IDENT server",
      FRONT_CAN },
    { 'R', "no-ident", NULL, OPTION_FLAG, ACCESS, { "-R", "-R" }, 0, "do not (default)", FRONT_CAN },
    { 'p', "paranoid", NULL, OPTION_FLAG, ACCESS, { "-p", NULL }, FRONT_NEEDS_ACCESS,
      "a name that has other addresses ends the connection", NOWHERE("only forgets such a name") },
    { 'P', "no-paranoid", NULL, OPTION_FLAG, ACCESS, { "-P", "-P" }, 0, "it does not (default)", FRONT_CAN },
    { 'h', "hosts", NULL, OPTION_FLAG, ACCESS, { "-h", NULL }, FRONT_HOSTS, "read /etc/hosts before the DNS",
      NOWHERE("does not read /etc/hosts") },
    { 'H', "no-lookups", NULL, OPTION_FLAG, ACCESS, { "-H", NULL }, FRONT_NO_LOOKUPS, "no names from the DNS",
      FRONT_CAN },
    { 'l', "local-name", "name", OPTION_TEXT, ACCESS, { "-l", "-l" }, FRONT_NEEDS_ACCESS | FRONT_LOCAL_NAME,
      "instead of looking it up", FRONT_CAN },
    { 'B', "banner", "text", OPTION_TEXT, ACCESS, { "-B", "-B" }, FRONT_NEEDS_ACCESS,
      "send that first, in plain text", FRONT_CAN },
    { 't', "timeout", "ms", OPTION_NUMBER, ACCESS, { "-t", NULL }, 0, "for access control",
      NOWHERE("has no such deadline") },
    { 'i', "rules-directory", "path", OPTION_TEXT, ACCESS, { "-i", NULL }, FRONT_NEEDS_ACCESS | FRONT_RULES,
      "of s6-tcpserver-access", NOWHERE("has rules in a file of its own format: --tcprules") },
    { 'x', "rules-file", "path", OPTION_TEXT, ACCESS, { "-x", NULL }, FRONT_NEEDS_ACCESS | FRONT_RULES,
      "of s6-tcpserver-access", NOWHERE("has rules in a file of its own format: --tcprules") },
    { 0, "tcprules", "path", OPTION_TEXT, ACCESS, { NULL, "-x" }, FRONT_NEEDS_ACCESS | FRONT_RULES,
      "rules made by tcprules(1), with ucspi-tcp", { "reads other rules: -i, -x", NULL } },
    { 'L', "proxy", NULL, OPTION_FLAG, FRONT_OURS, NONE, FRONT_PROXY, "a PROXY header comes before TLS",
      FRONT_CAN },

    { 0, "trust", "address/bits", OPTION_TEXT, FRONT_OURS, NONE, FRONT_PROXY | FRONT_TRUST,
      "and only from proxies there; may be given again", FRONT_CAN },

    { 'u', "uid", "uid", OPTION_NUMBER, APPLY, { "-u", "-u" }, FRONT_APPLIES, "of prog", FRONT_CAN },
    { 'g', "gid", "gid", OPTION_NUMBER, APPLY, { "-g", "-g" }, FRONT_APPLIES, "of prog", FRONT_CAN },
    { 'G', "groups", "gid,...", OPTION_TEXT, APPLY, { "-G", "-G" }, FRONT_APPLIES, "other groups of prog",
      FRONT_CAN },
    { 'U', "uid-of-environment", NULL, OPTION_FLAG, APPLY, { "-Uz", "-Uz" }, FRONT_APPLIES,
      "all three from UID, GID and GIDLIST", FRONT_CAN },

    /* s6-networking's words */
    { 0, "normally-verbose", NULL, OPTION_FLAG, TCP, { "-Q", "-Q" }, FRONT_USUAL, "-Q", FRONT_CAN },
    { 0, "notify", NULL, OPTION_FLAG, TCP, { "-1", "-1" }, 0, "-1", FRONT_CAN },
    { 0, "global-max-connections", "n", OPTION_NUMBER, TCP, { "-c", "-c" }, 0, "-c", FRONT_CAN },
    { 0, "local-max-connections", "n", OPTION_NUMBER, TCP, { "-C", NULL }, 0, "-C",
      NOWHERE("does not count by address") },
    { 0, "strict-resolution", NULL, OPTION_FLAG, ACCESS, { "-w", NULL }, 0, "-w",
      NOWHERE("goes on when a lookup fails") },
    { 0, "no-strict-resolution", NULL, OPTION_FLAG, ACCESS, { "-W", NULL }, 0, "-W", FRONT_CAN },
    { 0, "nagle", NULL, OPTION_FLAG, ACCESS, { "-d", "-d" }, 0, "-d", FRONT_CAN },
    { 0, "no-nagle", NULL, OPTION_FLAG, ACCESS, { "-D", "-D" }, FRONT_NEEDS_ACCESS, "-D", FRONT_CAN },
    { 0, "dns", NULL, OPTION_FLAG, ACCESS, NONE, FRONT_LOOKUPS, "not -H", FRONT_CAN },
    { 0, "no-dns", NULL, OPTION_FLAG, ACCESS, { "-H", NULL }, FRONT_NO_LOOKUPS, "-H", FRONT_CAN },
    { 0, "no-hosts", NULL, OPTION_FLAG, ACCESS, NONE, FRONT_NO_HOSTS, "not -h", FRONT_CAN },
    { 0, "gidlist", "gid,...", OPTION_TEXT, APPLY, { "-G", "-G" }, FRONT_APPLIES, "-G", FRONT_CAN },
    { 0, "envuidgid", NULL, OPTION_FLAG, APPLY, { "-Uz", "-Uz" }, FRONT_APPLIES, "-U", FRONT_CAN },

    { 0, "tcpserver", "which", OPTION_TEXT, FRONT_OURS, NONE, FRONT_SUPERSERVER, "auto, s6, ucspi or a path",
      FRONT_CAN },
};

int main(int argc, char const *const *argv)
{
    static struct front_end const end = {
        .options = options,
        .count = sizeof options / sizeof *options,
        .operands = "ip port prog...",
        .superservers = { "s6-tcpserver", "tcpserver" },
        .tls = CHAIN_TLSD,
        .tls_name = "ktls-tlsd",
    };
    PROG = "ktls-tlsserver";
    front_run(&end, argc, argv);
}
