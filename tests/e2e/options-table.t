#!/usr/bin/python3
# Every option of every chain-loading program, short and long, and every variable:
# effect and exit code, in one table. Those of UCSPI-TLS ask for TLS at once. An option
# that --help knows and the table does not is a failure. Where the kernel has TLS: in
# the mode that is the default.
# runs: host; takes: long
# runs: newest kernel, -m auto; not: sanitizers; takes: long

import errno
import os
import re

import lib
import pki
import proc
import programs
import resumption
import sni
import tap
from peers import tcp_pair
from programs import TLSC, TLSD, UCSPITLSC, UCSPITLSD, meet, which

SERVERS, CLIENTS = [TLSD], [TLSC]
DIRECT = [TLSD, TLSC]  # those that execute prog with TLS
if proc.MODE == "user":  # ucspitls.t has the others where the kernel has TLS
    SERVERS, CLIENTS = [TLSD, UCSPITLSD], [TLSC, UCSPITLSC]
EVERY = SERVERS + CLIENTS
# whose prog has the kernel TLS socket itself, by default
ON_SOCKET = [TLSD] if proc.MODE == "auto" else []

# ---- what is looked at: (program, options) -> a value ----


def variable(name, **how):
    def look(program, options):
        outcome = meet(program, options, **how)
        return outcome.env.get(name) if outcome.env else outcome.code

    return look


def protocol(program, options):
    return variable("SSL_PROTOCOL")(program, options)


def cipher(program, options):
    return variable("SSL_CIPHER")(program, options)


def alpn(program, options):
    return meet(program, options, peer=program.peer(alpn=["h2", "http/1.1"])).env.get("SSL_ALPN")


def path_or_code(program, options):
    outcome = meet(program, options, mode=None)
    return outcome.env["SSL_PATH"] if outcome.env else outcome.code


def end(program, options):
    return meet(program, options).end


def code_when_idle(program, options):
    a, b = tcp_pair()
    with program.start(b, ["-m", proc.MODE, *options], program.copy()) as ours, a:
        programs.Tls(a, program.peer(), server=not program.server).handshake()
        return ours.wait()


def what_prog_has(program, options):
    """In the place of the connection."""
    fd_in, fd_out = program.descriptors or ("0", "1")
    command = f"readlink /proc/$$/fd/{fd_in} /proc/$$/fd/{fd_out} >&{fd_out}"
    a, b = tcp_pair()
    with program.start(b, ["-m", proc.MODE, *options], ("sh", "-c", command)) as ours, a:
        tls = programs.Tls(a, program.peer(), server=not program.server)
        tls.handshake()
        links = b""
        while links.count(b"\n") < 2 and (more := tls.read()):
            links += more
        ours.wait()
    kinds = re.findall(rb"(?:^|\n)(\w+)", links)
    if len(set(links.split())) == 1:
        return f"one {kinds[0].decode()}"
    return "two pipes" if kinds == [b"pipe"] * 2 else links


def code_after_bare_fin(program, options):
    return meet(program, options, run=program.copy(), half_close=True).code


def code_with_and_without_certificate(program, options):
    """Of a client that shows one: whether prog is told. Of one that has none: the exit code."""
    shown = meet(program, options, peer=program.peer(cert="client-ec"))
    return "SSL_PEER_CERT_HASH" in shown.env, meet(program, options).code


def client_certificate(program, options):
    env = {"CERTFILE": pki.crt("client-ec"), "KEYFILE": pki.key("client-ec")}
    return which(meet(program, options, env, program.peer(client_cert="optional")).certificate)


def server_name_and_code(program, options):
    outcome = meet(program, options)
    return outcome.server_name, outcome.code


HOSTS = sni.pair("ec384", "one.test")


def certificates_by_name(program, options):
    """What is shown for a name that is known, and for another: certificate or alert."""
    peer = program.peer(verify=False)
    seen = [meet(program, options, HOSTS, peer, name) for name in ("one.test", "two.test")]
    return tuple(which(o.certificate) if o.certificate else o.alert for o in seen)


def code_with_unknown_server(program, options):
    return meet(program, options, peer=program.peer(cert="selfsigned")).code


def code_of_silence(program, options):
    a, b = tcp_pair()
    with program.start(b, ["-m", proc.MODE, *options], ("true",)) as ours, a:
        return ours.wait()


def is_patient(program, options):
    """There is no event to wait for: nothing must happen."""
    a, b = tcp_pair()
    with program.start(b, ["-m", proc.MODE, *options], ("true",)) as ours, a:
        try:
            return ours.wait(0.3) is None
        except proc.Timeout:
            return True


INPUT = ("CADIR", "CAFILE", "CERTFILE", "KEYFILE", "CERTFILE2", "KEYFILE2", "CERTFILE:a.t", "KEYFILE:a.t", "TICKETKEYFILE")


def kept(program, options):
    env = {
        "CADIR": os.path.join(pki.directory(), "cadir"),
        "CERTFILE": pki.crt("ec256"),
        "KEYFILE": pki.key("ec256"),
        **sni.pair("rsa", second=True),
        **sni.pair("rsa", "a.t"),
        "TICKETKEYFILE": TICKET_KEYS.path,
    }
    return tuple(name for name in INPUT if name in meet(program, options, env).env)


def is_announced_and_lines_of_failure(program, options):
    """Whether success is told of; a failure is one line, whatever the verbosity."""
    failing = program.peer(cert="client-unknown") if program.server else program.peer(cert="selfsigned")
    asking = ["-y"] if program.server else []
    good, bad = meet(program, options), meet(program, [*asking, *options], peer=failing)
    return any("TLSv1.3" in line for line in good.errors), len(bad.errors)


def descriptors(program, options):
    a, b = tcp_pair()
    fd_in, fd_out = options[1], options[3]
    command = ("sh", "-c", f"read -r line <&{fd_in}; echo $line >&{fd_out}")
    with a:
        tls = programs.Tls(a, program.peer(), server=True)
        fds = {6: None, 7: None, int(fd_in): b, int(fd_out): b}
        with program.start(b, ["-m", proc.MODE, *options], command, fds=fds) as ours:
            tls.handshake()
            tls.write(programs.LINE)
            return tls.read_exactly(len(programs.LINE)), ours.wait()


# ---- options: spellings, argument, programs, what is looked at, what is seen ----

GCM = "TLS_AES_256_GCM_SHA384"
OPTIONS = [
    ((), None, EVERY, protocol, "TLSv1.3"),
    (("-t", "--tls"), "1.2", EVERY, protocol, "TLSv1.2"),
    (("-t", "--tls"), "1.3", EVERY, protocol, "TLSv1.3"),
    (("-t", "--tls"), "1.1", EVERY, protocol, 100),
    (("-c", "--ciphers"), "TLS_CHACHA20_POLY1305_SHA256", EVERY, cipher, "TLS_CHACHA20_POLY1305_SHA256"),
    (("-c", "--ciphers"), GCM, EVERY, cipher, GCM),
    (("-c", "--ciphers"), "TLS_NO_SUCH", EVERY, cipher, 100),
    ((), None, EVERY, alpn, None),
    (("-a", "--alpn"), "http/1.1", EVERY, alpn, "http/1.1"),
    (("-m", "--mode"), "user", EVERY, path_or_code, "user"),
    (("-m", "--mode"), "fast", EVERY, path_or_code, 100),
    ((), None, [p for p in EVERY if p not in ON_SOCKET], end, "close_notify"),
    ((), None, ON_SOCKET, end, "FIN"),
    (("-s", "--no-close-notify"), None, EVERY, end, "FIN"),
    (("-S", "--close-notify"), None, EVERY, end, "close_notify"),
    (("--idle-timeout",), "300", EVERY, code_when_idle, 98),
    ((), None, [p for p in DIRECT if p not in ON_SOCKET], what_prog_has, "two pipes"),
    ((), None, ON_SOCKET, what_prog_has, "one socket"),
    (("--socket",), None, DIRECT, what_prog_has, "one socket"),
    ((), None, EVERY, code_after_bare_fin, 0),
    (("-j", "--no-enforce-close-notify"), None, EVERY, code_after_bare_fin, 0),
    (("-J", "--enforce-close-notify"), None, EVERY, code_after_bare_fin, 98),
    ((), None, SERVERS, code_with_and_without_certificate, (False, 0)),
    (("-Y", "--client-cert"), None, SERVERS, code_with_and_without_certificate, (True, 0)),
    (("-y", "--mandatory-client-cert"), None, SERVERS, code_with_and_without_certificate, (True, 98)),
    ((), None, CLIENTS, client_certificate, None),
    (("-Y", "--no-client-cert"), None, CLIENTS, client_certificate, None),
    (("-y", "--client-cert"), None, CLIENTS, client_certificate, "client-ec"),
    ((), None, CLIENTS, server_name_and_code, (None, 0)),
    (("-k", "--servername"), "localhost", CLIENTS, server_name_and_code, ("localhost", 0)),
    (("-k", "--servername"), "127.0.0.1", CLIENTS, server_name_and_code, (None, 0)),
    (("-k", "--servername"), "elsewhere.test", CLIENTS, server_name_and_code, ("elsewhere.test", 98)),
    (("-k", "--servername"), "no name", CLIENTS, server_name_and_code, (None, 100)),
    ((), None, SERVERS, certificates_by_name, ("ec256", "ec256")),
    (("-k", "--sni-level"), "0", SERVERS, certificates_by_name, ("ec256", "ec256")),
    (("-k", "--sni-level"), "1", SERVERS, certificates_by_name, ("ec384", "ec256")),
    (("-k", "--sni-level"), "2", SERVERS, certificates_by_name, ("ec384", 112)),
    (("--sni",), None, SERVERS, certificates_by_name, ("ec384", "ec256")),
    (("--mandatory-sni",), None, SERVERS, certificates_by_name, ("ec384", 112)),
    ((), None, CLIENTS, code_with_unknown_server, 98),
    (("--verify-cert",), None, CLIENTS, code_with_unknown_server, 98),
    (("--no-verify-cert",), None, CLIENTS, code_with_unknown_server, 0),
    ((), None, EVERY, is_patient, True),
    (("-K", "--handshake-timeout"), "50", EVERY, code_of_silence, 98),
    (("-K", "--handshake-timeout"), "0", EVERY, is_patient, True),
    (("-K", "--handshake-timeout"), "soon", EVERY, code_of_silence, 100),
    ((), None, EVERY, kept, ()),
    (("-z", "--no-keep"), None, EVERY, kept, ()),
    (("-Z", "--keep"), None, EVERY, kept, INPUT),
    ((), None, EVERY, is_announced_and_lines_of_failure, (False, 1)),
    (("-v", "--verbosity"), "0", EVERY, is_announced_and_lines_of_failure, (False, 1)),
    (("-v", "--verbosity"), "1", EVERY, is_announced_and_lines_of_failure, (False, 1)),
    (("-v", "--verbosity"), "2", EVERY, is_announced_and_lines_of_failure, (True, 1)),
    (("-6 8 -7 9", "--read-fd 8 --write-fd 9"), None, CLIENTS, descriptors, (programs.LINE, 0)),
    (("-6 8 -7 8",), None, [TLSC], descriptors, (programs.LINE, 0)),
]

# the last of two alternatives counts
LAST_COUNTS = [
    (EVERY, ("-S", "-s"), end, "FIN"),
    (EVERY, ("-s", "-S"), end, "close_notify"),
    (EVERY, ("-J", "-j"), code_after_bare_fin, 0),
    (EVERY, ("-j", "-J"), code_after_bare_fin, 98),
    (EVERY, ("-Z", "-z"), kept, ()),
    (EVERY, ("-z", "-Z"), kept, INPUT),
    (SERVERS, ("-y", "-Y"), code_with_and_without_certificate, (True, 0)),
    (SERVERS, ("-Y", "-y"), code_with_and_without_certificate, (True, 98)),
    (CLIENTS, ("-y", "-Y"), client_certificate, None),
    (SERVERS, ("-k2", "--sni"), certificates_by_name, ("ec384", "ec256")),
    (CLIENTS, ("--no-verify-cert", "--verify-cert"), code_with_unknown_server, 98),
]


def _row(program, words, look, wanted):
    looked = look.__name__.replace("_", " ")
    name = f"{program.name} {' '.join(words) or 'by default'}: {looked}: {wanted!r}"
    tap.equal(look(program, list(words)), wanted, name)


def options():
    for spellings, argument, some, look, wanted in OPTIONS:
        for program in some:
            every_spelling = proc.MODE == "user" and program in DIRECT  # else the first one will do
            for spelling in (spellings if every_spelling else spellings[:1]) or ("",):
                _row(program, spelling.split() + ([argument] if argument else []), look, wanted)


def last_counts():
    for some, words, look, wanted in LAST_COUNTS:
        for program in filter(DIRECT.__contains__, some):
            _row(program, words, look, wanted)


def help_is_complete():
    """--help lists what the table has, and nothing else."""
    for program in EVERY:
        code, text, errors = program.help()
        tap.ok(code == 0 and text and not errors, f"{program.name} --help: exit 0", errors)
        listed = {word for line in text.splitlines()[1:] for word in re.findall(r"--?[\w-]+", line[:36])}
        tested = {word for row in OPTIONS if program in row[2] for s in row[0] for word in s.split()}
        tested = {word for word in tested if word.startswith("-")}
        tap.equal(sorted(listed), sorted(tested), f"{program.name}: the options of --help are those tested")


# ---- variables that are read: changes, programs, options, exit code ----

TICKET_KEYS = resumption.Keys()
MISSING, RIGHT, WRONG = "/nonexistent/file", pki.ca(), pki.ca("ca-unknown")
DIRECTORY = os.path.join(pki.directory(), "cadir")
CLIENT = {"CERTFILE": pki.crt("client-ec"), "KEYFILE": pki.key("client-ec")}
VERIFY = {program.name: ["-y"] if program.server else ["-k", "localhost"] for program in EVERY}
VARIABLES = [
    ({"CAFILE": RIGHT}, EVERY, VERIFY, 0),
    ({"CAFILE": WRONG}, EVERY, VERIFY, 98),
    ({"CAFILE": MISSING}, EVERY, VERIFY, 96),
    ({"CAFILE": None}, CLIENTS, VERIFY, 98),
    ({"CAFILE": None}, SERVERS, VERIFY, 100),
    ({"CAFILE": None}, SERVERS, [], 0),
    ({"CAFILE": MISSING}, SERVERS, [], 0),
    ({"CAFILE": MISSING}, CLIENTS, ["--no-verify-cert"], 0),
    ({"CAFILE": None, "CADIR": DIRECTORY}, EVERY, VERIFY, 0),
    ({"CAFILE": MISSING, "CADIR": DIRECTORY}, EVERY, VERIFY, 0),
    ({"CAFILE": RIGHT, "CADIR": MISSING}, EVERY, VERIFY, 96),
    ({"CERTFILE": None}, SERVERS, [], 100),
    ({"KEYFILE": None}, SERVERS, [], 100),
    ({"CERTFILE": MISSING}, SERVERS, [], 96),
    ({"KEYFILE": MISSING}, SERVERS, [], 96),
    ({"KEYFILE": pki.key("mismatch")}, SERVERS, [], 96),
    ({"CERTFILE": MISSING, "KEYFILE": MISSING}, CLIENTS, [], 0),
    ({**CLIENT}, CLIENTS, ["-y"], 0),
    ({**CLIENT, "CERTFILE": None}, CLIENTS, ["-y"], 100),
    ({**CLIENT, "KEYFILE": None}, CLIENTS, ["-y"], 100),
    ({**CLIENT, "CERTFILE": MISSING}, CLIENTS, ["-y"], 96),
    ({**CLIENT, "KEYFILE": pki.key("mismatch")}, CLIENTS, ["-y"], 96),
    ({"TICKETKEYFILE": TICKET_KEYS.path}, EVERY, [], 0),
    ({"TICKETKEYFILE": MISSING}, SERVERS, [], 96),
    ({"TICKETKEYFILE": RIGHT}, SERVERS, [], 96),
    ({"TICKETKEYFILE": MISSING}, CLIENTS, [], 0),
    ({"CERTFILE2": pki.crt("rsa")}, SERVERS, [], 96),
    ({"KEYFILE2": pki.key("rsa")}, SERVERS, [], 96),
    (sni.pair("rsa", second=True), SERVERS, [], 0),
    ({**CLIENT, **sni.pair("client-rsa", second=True)}, CLIENTS, ["-y"], 0),
    ({**CLIENT, **sni.pair("ec256", second=True)}, CLIENTS, ["-y"], 96),
    ({"CERTFILE:a.test": MISSING}, SERVERS, [], 0),
    ({"CERTFILE:a.test": MISSING}, SERVERS, ["--sni"], 96),
    ({"KEYFILE:a.test": MISSING}, SERVERS, ["--sni"], 96),
    (sni.pair("ec384", "localhost"), SERVERS, ["--mandatory-sni"], 0),
    ({**sni.pair("ec384", "localhost"), "KEYFILE:localhost": MISSING}, SERVERS, ["--sni"], 96),
    (sni.pair("ec384", "localhost", second=True), SERVERS, ["--mandatory-sni"], 0),
    ({}, SERVERS, ["--mandatory-sni"], 96),
]


def variables():
    for changes, some, words, wanted in VARIABLES:
        for program in some:
            chosen = words[program.name] if isinstance(words, dict) else words
            peer = program.peer(cert="client-ec") if program.server else None
            outcome = meet(program, chosen, changes, peer)
            shown = " ".join(f"{k}={os.path.basename(v) if v else '(unset)'}" for k, v in changes.items())
            tap.ok(
                outcome.code == wanted and bool(outcome.env) == (not wanted),
                f"{program.name} {' '.join(chosen)}, {shown or 'nothing more set'}: exit {wanted}",
                f"exit {outcome.code}, {outcome.errors}",
            )
            if changes in ({"CAFILE": MISSING}, {"CERTFILE": MISSING}, {"KEYFILE": MISSING}) and wanted:
                named = f"{program.name}, {shown}: the file is named"
                tap.ok(MISSING in outcome.errors[0], named, outcome.errors)


def mode_variable():
    """KTLS_MODE is a default for all programs below: options win over it, and prog has it, too."""
    for program in EVERY:
        for words, value, wanted in (
            ([], "user", ["user"]),
            (["-m", "user"], "kernel", ["user"]),
            (["-S"], "kernel", ["relay", "user"]),
            (["--idle-timeout", "60000"], "auto", ["relay", "user"]),
            ([], "fast", [100]),
            (["-m", "user"], "", [100]),
        ):
            outcome = meet(program, words, {"KTLS_MODE": value}, mode=None)
            seen = outcome.env["SSL_PATH"] if outcome.env else outcome.code
            name = f"{program.name} {' '.join(words)}, KTLS_MODE={value}"
            tap.ok(seen in wanted, f"{name}: {' or '.join(map(str, wanted))}", (seen, outcome.errors))
            if outcome.env:
                tap.equal(outcome.env.get("KTLS_MODE"), value, f"{name}: prog has the variable")


# ---- variables that are written ----


def written():
    for program in EVERY:
        peer = program.peer(cert="client-san", alpn=["h2"]) if program.server else program.peer(alpn=["h2"])
        options = ["-y"] if program.server else ["-k", "localhost"]
        env = meet(program, [*options, "-a", "h2"], peer=peer).env
        for name, pattern in (
            ("SSL_PROTOCOL", "TLSv1.3"),
            ("SSL_CIPHER", "TLS_(AES_128_GCM|AES_256_GCM|CHACHA20_POLY1305)_SHA(256|384)"),
            ("SSL_TLS_SNI_SERVERNAME", "localhost"),
            ("SSL_ALPN", "h2"),
            ("SSL_PATH", "user" if proc.MODE == "user" else "kernel|relay|user"),
            ("SSL_PEER_CERT_HASH", "SHA256:[0-9a-f]{64}"),
            ("SSL_PEER_CERT_SUBJECT", "O=Test, CN=client san" if program.server else "CN=localhost"),
            ("SSL_PEER_CERT_SAN", "DNS:a.example,.*" if program.server else "DNS:localhost,.*"),
        ):
            tap.ok(
                re.fullmatch(pattern, env.get(name, "")), f"{program.name} sets {name}", repr(env.get(name))
            )


# ---- the other exit codes ----


def not_startable():
    for program in DIRECT:
        for command, wanted in (("/nonexistent", 127), ("/etc/passwd", 126)):
            tap.equal(meet(program, run=(command,)).code, wanted, f"{program.name} {command}: exit {wanted}")


def _biggest_environment(program, size):
    """Room for one connection with so many bytes of padding; None: not even we could be started."""
    padding = {f"PAD{n}": "x" * min(100_000, size - n) for n in range(0, size, 100_000)}
    try:
        return meet(program, ["-Z"], padding)
    except OSError as e:
        if e.errno != errno.E2BIG:
            raise
        return None


def environment_too_big():
    """What we add is what makes it too big for prog."""
    for program in DIRECT:
        low, high = 1_000_000, 4_000_000
        while high - low > 30:
            middle = (low + high) // 2
            if _biggest_environment(program, middle):
                low = middle
            else:
                high = middle
        outcome = _biggest_environment(program, low)
        tap.ok(
            outcome.code == 101 and len(outcome.errors) == 1,
            f"{program.name} with an environment that has no room: exit 101",
            f"exit {outcome.code}, {outcome.errors}",
        )


def no_descriptors():
    for program in EVERY:
        a, b = tcp_pair()
        closed = "<&- >&-" if program.server else "6<&- 7<&-"
        wrapper = ("sh", "-c", f'exec "$@" {closed}', "sh")
        with program.start(b, ["-m", proc.MODE], ("true",), wrapper=wrapper) as ours, a:
            tap.equal(ours.wait(), 111, f"{program.name} without its descriptors: exit 111", ours.stderr)


tap.main(
    options,
    written,
    host=[
        last_counts,
        help_is_complete,
        variables,
        mode_variable,
        not_startable,
        environment_too_big,
        no_descriptors,
    ],
)
