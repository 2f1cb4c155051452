#!/usr/bin/python3
# The command lines that ktls-tlsserver and ktls-tlsclient make of their options,
# and what they refuse.

import os
import re
import shlex

import lib
import front
import proc
import tap
from front import NOT_FOUND, TLSCLIENT, TLSSERVER
from proc import Proc

S6_SERVER, S6_CLIENT = ("s6-tcpserver", "s6-applyuidgid"), ("s6-tcpclient",)
SYSTEM, USAGE = 111, 100
UCSPI_SERVER, UCSPI_CLIENT = ("tcpserver", "s6-applyuidgid"), ("tcpclient",)
ACCESS = "s6-tcpserver-access"


def with_mode(tls):
    """What the TLS step is told: the relay, unless another mode was asked for."""
    if "--mode" in tls:
        return tls
    words = tls.split()
    at = len(words) - (words[-1:] in (["-v0"], ["-v2"]))
    return " ".join([*words[:at], "--mode", "relay", *words[at:]])


def s6_server():
    """option; what s6-tcpserver, s6-tcpserver-access, ktls-tlsd and s6-applyuidgid are told"""
    rows = (
        ("", "", "", "", None),
        ("-q", "-q", "-v0", "-v0", None),
        ("-Q", "-Q", "", "", None),
        ("-v", "-v", "-v2", "-v2", None),
        ("-4", "-4", "", "", None),
        ("-6", "-6", "", "", None),
        ("-1", "-1", "", "", None),
        ("-c 100", "-c 100", "", "", None),
        ("-C 7", "-C 7", "", "", None),
        ("-b5", "-b 5", "", "", None),
        ("-w", "", "-w", "", None),
        ("-W", "", "-W", "", None),
        ("-d", "", "-d", "", None),
        ("-D", "", "-D", "", None),
        ("-r", "", "-r", "", None),
        ("-R", "", "-R", "", None),
        ("-p", "", "-p", "", None),
        ("-P", "", "-P", "", None),
        ("-h", "", "-h", "", None),
        ("-H", "", None, "", None),
        ("-l here", "", "-l here", "", None),
        ("-e", "", "", "", None),
        ("-ev", "-v", "", "-v2", None),
        ("-eq", "-q", "-v0", "-v0", None),
        ("-ev -i rules", "-v", "-i rules -v2", "-v2", None),
        ("-Hv", "-v", None, "-v2", None),
        ("-B hello", "", "-B hello", "", None),
        ("-t 500", "", "-t 500", "", None),
        ("-t 500 -i rules", "", "-t 500 -i rules", "", None),
        ("-x rules.cdb", "", "-x rules.cdb", "", None),
        ("-wHRp -l0", "", "-w -H -R -p -l 0", "", None),
        ("-s", "", "", "--no-close-notify", None),
        ("-S", "", "", "--close-notify", None),
        ("-j", "", "", "--no-enforce-close-notify", None),
        ("-J", "", "", "--enforce-close-notify", None),
        ("-Y", "", "", "--client-cert", None),
        ("-y", "", "", "--mandatory-client-cert", None),
        ("-k 1", "", "", "--sni-level 1", None),
        ("-K 700", "", "", "--handshake-timeout 700", None),
        ("-z", "", "", "--no-keep", None),
        ("-Z", "", "", "--keep", None),
        ("-m relay", "", "", "--mode relay", None),
        ("--mode=user", "", "", "--mode user", None),
        ("--tls 1.3", "", "", "--tls 1.3", None),
        ("--ciphers TLS_AES_128_GCM_SHA256", "", "", "--ciphers TLS_AES_128_GCM_SHA256", None),
        ("-a h2,http/1.1", "", "", "--alpn h2,http/1.1", None),
        ("--close-notify --sni", "", "", "--close-notify --sni", None),
        ("-u 1000", "", "", "", "-u 1000"),
        ("-g 100", "", "", "", "-g 100"),
        ("-G 1,2", "", "", "", "-G 1,2"),
        ("-U", "", "", "", "-Uz"),
        ("-U -u 5", "", "", "", "-Uz -u 5"),
        ("-H -i rules", "", "-H -i rules", "", None),
        ("-H -w", "", None, "", None),
        ("-H --dns", "", "", "", None),
        ("--dns -H", "", None, "", None),
        ("--no-dns --dns --no-dns", "", None, "", None),
        ("-h --no-hosts", "", "", "", None),
        ("--no-hosts -h", "", "-h", "", None),
        ("--normally-verbose --notify", "-Q -1", "", "", None),
        ("--global-max-connections 9 --local-max-connections 3", "-c 9 -C 3", "", "", None),
        ("--strict-resolution", "", "-w", "", None),
        ("--no-strict-resolution --nagle", "", "-W -d", "", None),
        ("--no-nagle", "", "-D", "", None),
        ("--gidlist 1,2", "", "", "", "-G 1,2"),
        ("--envuidgid", "", "", "", "-Uz"),
        ("-c 9 -Hl0 -SJ -u1 -g2 --", "-c 9", "-H -l 0", "--close-notify --enforce-close-notify", "-u 1 -g 2"),
    )
    for options, tcp, access, tls, apply in rows:
        wanted = ["s6-tcpserver", tcp, "-- 0.0.0.0 443"]
        wanted += [] if access is None else [ACCESS, access, "--"]
        wanted += ["ktls-tlsd", with_mode(tls), "--"]
        wanted += [] if apply is None else ["s6-applyuidgid", apply, "--"]
        wanted = " ".join(word for word in [*wanted, "httpd -x"] if word)
        front.check(TLSSERVER, options, "0.0.0.0 443 httpd -x", wanted, path=front.folder(*S6_SERVER))


def s6_client():
    """option; what s6-tcpclient and ktls-tlsc are told"""
    rows = (
        ("", "", "--servername host.test"),
        ("-q", "-q", "--servername host.test -v0"),
        ("-Q", "-Q", "--servername host.test"),
        ("-v", "-v", "--servername host.test -v2"),
        ("-4 -6", "-4 -6", "--servername host.test"),
        ("-dD", "-d -D", "--servername host.test"),
        ("-rR", "-r -R", "--servername host.test"),
        ("-hHnN", "-h -H -n -N", "--servername host.test"),
        ("-hH --dns --no-hosts", "", "--servername host.test"),
        ("--no-dns --nagle --no-nagle", "-H -d -D", "--servername host.test"),
        ("--normally-verbose --connection-timeouts 1+2", "-Q -T 1+2", "--servername host.test"),
        ("-t 5 -l here", "-t 5 -l here", "--servername host.test"),
        ("-T 1+2", "-T 1+2", "--servername host.test"),
        ("-i 192.0.2.1 -p 1000", "-i 192.0.2.1 -p 1000", "--servername host.test"),
        ("-SJ", "", "--close-notify --enforce-close-notify --servername host.test"),
        ("-sj", "", "--no-close-notify --no-enforce-close-notify --servername host.test"),
        ("-Yy", "", "--no-client-cert --client-cert --servername host.test"),
        ("-Zz", "", "--keep --no-keep --servername host.test"),
        ("-k other.test", "", "--servername other.test"),
        ("-H -k other.test", "-H", "--servername other.test"),
        ("--no-servername", "", ""),
        ("--no-verify-cert", "", "--no-verify-cert --servername host.test"),
        ("-K 5", "", "--handshake-timeout 5 --servername host.test"),
        ("-m relay -a y", "", "--mode relay --alpn y --servername host.test"),
        ("-c TLS_AES_128_GCM_SHA256", "", "--ciphers TLS_AES_128_GCM_SHA256 --servername host.test"),
    )
    for options, tcp, tls in rows:
        wanted = ["s6-tcpclient", tcp, "-- host.test 443 ktls-tlsc", with_mode(tls), "-- sh -c 'a b'"]
        wanted = " ".join(word for word in wanted if word)
        front.check(TLSCLIENT, options, "host.test 443 sh -c 'a b'", wanted, path=front.folder(*S6_CLIENT))
    wanted = f"s6-tcpclient -- ::1 443 ktls-tlsc {with_mode('--servername ::1')} -- true"
    front.check(TLSCLIENT, "", "::1 443 true", wanted, path=front.folder(*S6_CLIENT))


def ucspi_server():
    rows = (
        ("", "-R -H -l 0", ""),
        ("-q", "-R -H -l 0 -q", "-v0"),
        ("-v1 -c 50 -b 20", "-R -H -l 0 -v -1 -c 50 -b 20", "-v2"),
        ("-4QWdRP", "-R -H -l 0 -Q -d -R -P", ""),
        ("-e", "-R", ""),
        ("-D", "-R -D", ""),
        ("--dns", "-R", ""),
        ("--dns --no-dns", "-R -H -l 0", ""),
        ("-r", "-R -r", ""),
        ("-l here", "-R -l here", ""),
        ("-H", "-R -H -l 0", ""),
        ("-Hl here", "-R -H -l here", ""),
        ("-B hello", "-R -B hello", ""),
        ("--tcprules r.cdb -H", "-R -H -l 0 -x r.cdb", ""),
        ("-S", "-R -H -l 0", "--close-notify"),
    )
    for options, tcp, tls in rows:
        wanted = " ".join(filter(None, ["tcpserver", tcp, "-- 0 443 ktls-tlsd", with_mode(tls), "-- httpd"]))
        front.check(TLSSERVER, options, "0 443 httpd", wanted, path=front.folder(*UCSPI_SERVER))
    for option in ("-6", "-C 5", "-w", "-p", "-h", "-t 500", "-i rules", "-x rules"):
        front.refuse(TLSSERVER, option, "0 443 httpd", ": tcpserver ", path=front.folder(*UCSPI_SERVER))
    for options, address in (("", "::"), ("", "2001:db8::1"), ("-6", "::1"), ("-6", "0")):
        front.refuse(TLSSERVER, options, f"{address} 443 httpd", f"tcpserver has no IPv6: {address}", path=front.folder(*UCSPI_SERVER))
        wanted = f"tcpserver -R -H -l 0 -- {'::' if address == '0' else address} 443 ktls-tlsd {with_mode('')} -- httpd"
        path = front.folder(*UCSPI_SERVER, recorder=front.RECORDER_IPV6) + ":/usr/bin:/bin"
        front.check(TLSSERVER, options + " --tcpserver=ucspi", f"{address} 443 httpd", wanted, path=path)
    for options, address, words, code in (
        ("-4", "::1", "::1 has no address of IPv4", SYSTEM),
        ("-6", "127.0.0.1", "127.0.0.1 has no address of IPv6", SYSTEM),
        ("", "nosuchhost.invalid", "nosuchhost.invalid: ", SYSTEM),
        ("--", "--help", "not a host", USAGE),
    ):
        front.refuse(TLSSERVER, options, f"{address} 443 httpd", words, code, path=front.folder(*UCSPI_SERVER))
    front.refuse(TLSSERVER, "--tcprules r", "0 443 httpd", ": s6-tcpserver ", path=front.folder(*S6_SERVER))


def ucspi_client():
    """Only a path says that it is to be ucspi-tcp's."""
    programs = front.folder(*UCSPI_CLIENT)
    given = {"path": programs, "which": os.path.join(programs, "tcpclient")}
    for options, tcp in (
        ("", "-R"),
        ("-qdDrn4 -T 1+2", "-R -q -d -D -r -T 1+2"),
        ("-H", "-R -H -l 0"),
        ("-H -l x -i 192.0.2.1 -p 5", "-R -H -l x -i 192.0.2.1 -p 5"),
    ):
        tls = "--servername h -v0" if "q" in options else "--servername h"
        wanted = f"tcpclient {tcp} -- h 443 ktls-tlsc {with_mode(tls)} -- true"
        front.check(TLSCLIENT, options, "h 443 true", wanted, **given)
    for option in ("-6", "-h", "-N", "-t 5"):
        front.refuse(TLSCLIENT, option, "h 443 true", "/tcpclient ", **given)
    front.refuse(TLSCLIENT, "", "::1 443 true", "no IPv6", **given)


def own_client():
    """It connects by itself, which nobody answers here, whether there is a tcpclient or not."""
    connecting = "connecting to 127.0.0.1, port 1: Connection refused"
    for which, programs in (("auto", ()), ("auto", UCSPI_CLIENT), ("ucspi", front.ALL), ("own", front.ALL)):
        for options in ("", "-qdDRhHn4", "-t 5 -T 1+2 -l x -i 127.0.0.1 -p 0", "-T 5", "-46"):
            front.refuse(TLSCLIENT, options, "127.0.0.1 1 true", connecting, SYSTEM, path=front.folder(*programs), which=which)
    for options, operands, words, code in (
        ("-r", "127.0.0.1 1", "ktls-tlsclient does not ask IDENT servers", USAGE),
        ("-N", "127.0.0.1 1", "completes names as the system does", USAGE),
        ("-T 1+", "127.0.0.1 1", "--connect-timeout is", USAGE),
        ("-T x", "127.0.0.1 1", "--connect-timeout is", USAGE),
        ("-p 65536", "127.0.0.1 1", "--local-port is", USAGE),
        ("-i here", "127.0.0.1 1", "--local-ip is not an IP address", USAGE),
        ("-i ::1", "127.0.0.1 1", "has no address of IPv6", SYSTEM),
        ("-6", "127.0.0.1 1", "has no address of IPv6", SYSTEM),
        ("-4", "::1 1", "has no address of IPv4", SYSTEM),
        ("", "127.0.0.1 0", "a port is", USAGE),
        ("", "127.0.0.1 65536", "a port is", USAGE),
        ("", "127.0.0.1 --", "a port is", USAGE),
        ("", "127.0.0.1 nosuchservice", "port nosuchservice: no such service", SYSTEM),
        ("--no-servername", "nosuchhost.invalid 1", "nosuchhost.invalid: ", SYSTEM),
        ("--no-servername --", "--help 1", "not a host", USAGE),
    ):
        front.refuse(TLSCLIENT, options, operands + " true", words, code, path=front.folder(), which="own")


def mode_of_the_environment():
    both = front.folder(*front.ALL)
    env = {"KTLS_MODE": "auto"}
    for program, wanted in (
        (TLSSERVER, f"s6-tcpserver -- 0 443 {ACCESS} -- ktls-tlsd -- x"),
        (TLSCLIENT, "s6-tcpclient -- 0 443 ktls-tlsc --no-verify-cert -- x"),
    ):
        options = "" if program == TLSSERVER else "--no-servername --no-verify-cert"
        argv = front.command(program, options, "0 443 x")
        tap.equal(front.line(argv, both, env), wanted, f"KTLS_MODE=auto {os.path.basename(program)}: as it says")
        said = front.line(argv, both, {"KTLS_MODE": "fast"})
        tap.ok(said.startswith("exit 100: ") and "KTLS_MODE is" in said, "KTLS_MODE=fast is refused", said)


def proxy_header():
    tail = "ktls-tlsd --mode relay -- httpd"
    ours = "ktls-proxyhdr -K 30000 --"
    for options, programs, wanted in (
        ("-L", UCSPI_SERVER, f"tcpserver -R -H -l 0 -- 0 443 {ours} {tail}"),
        ("-L", ("tcpserver", "proxy-server"), f"tcpserver -R -H -l 0 -- 0 443 {ours} {tail}"),
        ("-L", S6_SERVER, f"s6-tcpserver -- 0 443 {ACCESS} -- {ours} {tail}"),
        ("-LH", S6_SERVER, f"s6-tcpserver -- 0 443 {ours} {tail}"),
        ("-LH", ("s6-tcpserver", "proxy-server"), f"s6-tcpserver -- 0 443 proxy-server -t 30000 -- {tail}"),
        ("-H --trust 10.0.0.0/8 --trust ::1", ("s6-tcpserver", "proxy-server"),
         f"s6-tcpserver -- 0 443 ktls-proxyhdr -K 30000 --trust 10.0.0.0/8 --trust ::1 -- {tail}"),
    ):
        front.check(TLSSERVER, options, "0 443 httpd", wanted, path=front.folder(*programs))


def choice():
    """Which one, where both are there, or one, or none."""
    both = front.folder(*front.ALL)
    plain = {"s6": f"s6-tcpserver -- 0 443 {ACCESS} --", "ucspi": "tcpserver -R -H -l 0 -- 0 443"}
    configured = front.configured()
    wanted = plain["s6" if configured == "auto" else configured] + " ktls-tlsd --mode relay -- x"
    tap.equal(front.line([TLSSERVER, "0", "443", "x"], both), wanted, f"configured: {configured}")
    for which in ("s6", "ucspi"):
        front.check(TLSSERVER, f"--tcpserver={which}", "0 443 x", f"{plain[which]} ktls-tlsd --mode relay -- x", path=both)
    front.check(TLSSERVER, "--tcpserver auto", "0 443 x", f"{plain['s6']} ktls-tlsd --mode relay -- x", path=both)
    where = os.path.join(both, "tcpserver")
    front.check(TLSSERVER, f"--tcpserver={where}", "0 443 x", plain["ucspi"] + " ktls-tlsd --mode relay -- x", path="/nonexistent")
    where = os.path.join(both, "s6-tcpserver")
    wanted = f"s6-tcpserver -- 0 443 {both}/{ACCESS} -- ktls-tlsd --mode relay -- x"
    front.check(TLSSERVER, f"--tcpserver={where}", "0 443 x", wanted, path="/nonexistent")
    for program, option in ((TLSSERVER, "tcpserver"), (TLSCLIENT, "tcpclient")):
        words = "auto, s6, ucspi or a path" if program == TLSSERVER else "auto, s6, own or a path"
        for bad in ("", "s7", "tcpserver", *(["own"] if program == TLSSERVER else [])):
            front.refuse(program, f"--{option}={bad}", "h 443 x", words, path=both)
        gone = "/nonexistent/x"
        front.refuse(program, f"--{option}={gone}", "127.0.0.1 443 x", f"executing {gone}", NOT_FOUND, path=both)
    front.refuse(TLSSERVER, "", "0 443 x", "executing tcpserver", NOT_FOUND, path="/nonexistent")
    front.refuse(TLSSERVER, "-u 5", "0 443 x", "no s6-applyuidgid in PATH", path=front.folder("tcpserver"))


def usage():
    both = front.folder(*front.ALL)
    for program in (TLSSERVER, TLSCLIENT):
        for operands in ("", "h", "h 443"):
            front.refuse(program, "", operands, "usage: ", path=both)
        for options in ("-%", "--nothing", "-K", "--mode"):
            front.refuse(program, options, "", "usage: ", path=both)
        # found before the first connection, not at each
        for options, words in (
            ("-m fast", "--mode is"),
            ("--tls 1.1", "--tls is"),
            ("-K soon", "not a number"),
            ("-SJ -m kernel", "--mode kernel: --close-notify needs a relay"),
            ("--socket -m kernel", "--mode kernel: --socket needs a relay"),
            ("--ciphers AES128-SHA", "--ciphers has an unknown suite"),
            ("--tls 1.2 --ciphers TLS_AES_128_GCM_SHA256", "--ciphers has no suite of the version"),
            ("-a h2,,x", "--alpn is not a list"),
            *([("--trust 10.0.0.1/8", "--trust: not address/bits")] if program == TLSSERVER else []),
        ):
            front.refuse(program, options, "h 443 x", words, path=both)
    for options in ("-c x", "-C -1", "-b ''", "-t soon", "-u root", "-g -1", "-k x"):
        front.refuse(TLSSERVER, options, "h 443 x", "", path=both)
    for options in ("-p x", "-t 1s", "-k bad_name/"):
        front.refuse(TLSCLIENT, options, "h 443 x", "", path=both)
    # "the local machine" to tcpclient, but no name to verify
    front.refuse(TLSCLIENT, "", "0 443 x", "neither a DNS name nor an IP address", path=both)
    front.refuse(TLSCLIENT, "", "bad_name/ 443 x", "neither a DNS name nor an IP address", path=both)


def help_lists_everything():
    for program, tls in ((TLSSERVER, proc.TLSD), (TLSCLIENT, proc.TLSC)):
        said = []
        for argv in ([program, "--help"], [tls, "--help"]):
            with Proc(argv, fds={1: "pipe"}) as ours:
                said.append(ours.read().decode())
        names = {word for word in shlex.split(said[1].replace("'", "")) if word.startswith("--")}
        missing = {name for name in names if name not in said[0]} - {"--verbosity", "--read-fd", "--write-fd"}
        tap.equal(missing, set(), f"{os.path.basename(program)} has every option of {os.path.basename(tls)}")


def migration_page():
    """Every letter of the programs is on it, in the section that it belongs to."""
    with open(os.path.join(proc.ROOT, "doc", "ktls-migration.7")) as f:
        page = f.read().split(".Sh OPTIONS")[1].split(".Sh ENVIRONMENT")[0]
    common, server, client = re.split(r"^\.Ss Of .*$", page, flags=re.M)
    for program, text in ((proc.TLSD, common), (proc.TLSC, common), (TLSSERVER, server), (TLSCLIENT, client)):
        with Proc([program, "--help"], fds={1: "pipe"}) as ours:
            letters = set(re.findall(r"^ *-(\w), ", ours.read().decode(), re.M))
        named = " ".join(re.findall(r"^(?:\.It )?\.?Fl (.*?)(?:Ta .*)?$", text, re.M))
        missing = letters - set(re.findall(r"(?<!\S)\w(?!\S)", named))
        tap.equal(missing, set(), f"ktls-migration(7) has every letter of {os.path.basename(program)}")


tap.main(
    s6_server,
    s6_client,
    ucspi_server,
    ucspi_client,
    own_client,
    mode_of_the_environment,
    proxy_header,
    choice,
    usage,
    help_lists_everything,
    migration_page,
)
