"""The engine of a relay, seen from outside: whose it is and what it gave up."""

import os

import programs
import proc
import relay
import separation
import tap
from peers import Tls, context, name_of, tcp_pair, tlsd
from separation import ENV, GID, UID

LINE = b"there and back\n"
NOT_ROOT = ("setpriv", "--reuid", "54323", "--regid", "54324", "--clear-groups")
NOT_ROOT += ("--inh-caps", "+dac_override", "--ambient-caps", "+dac_override")
WITHOUT_SECCOMP = (os.path.join(proc.LIB, "without-seccomp"),)


class Connected:
    """A program whose handshake is done, its peer, and its engine."""

    def __init__(self, program, options=(), env=None, prog=None, peer=None, **more):
        a, b = tcp_pair()
        words = list(options) + ([] if program.server else ["-k", "localhost"])
        self.ours = program.start(b, words, prog or program.copy(), env=env or {}, **more)
        self.peer = Tls(a, program.peer(**(peer or {})), server=not program.server)
        try:
            self.peer.handshake()
            self.peer.write(LINE)
            self.echo = self.peer.read_exactly(len(LINE))
            self.engine = relay.engine_of(self.ours)
        except Exception:
            self.ours.end()
            tap.diag(self.ours.stderr())
            raise

    def end(self):
        """Both sides end; the engine's code, by a prog that exits as it does."""
        self.peer.close_notify(fin=True)
        self.peer.drain()
        return self.ours.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ours.end()
        self.peer.sock.close()


def check_always(engine, name):
    for field, value in (("NoNewPrivs", ["1"]), ("Seccomp", ["2"])):
        tap.equal(separation.numbers(engine, field), value, f"{name}: {field} {value[0]}")
    for kind in ("Prm", "Eff", "Inh", "Amb"):
        tap.equal(separation.numbers(engine, f"Cap{kind}"), ["0" * 16], f"{name}: no capability (Cap{kind})")
    for resource in ("Max processes", "Max core file size"):
        tap.equal(separation.limit(engine, resource), ["0", "0"], f"{name}: {resource} 0")
    hard = separation.limit(engine, "Max open files")[1]
    numbers = [int(fd) for fd in os.listdir(f"/proc/{engine}/fd")]
    tap.ok(int(hard) <= 16, f"{name}: no more than 16 open files ({hard})", sorted(numbers))
    tap.equal(os.stat(f"/proc/{engine}/maps").st_uid, 0, f"{name}: it is not dumpable")
    kinds = set(separation.descriptors(engine))
    tap.ok(kinds <= {"pipe", "socket", "/dev/null"} | {k for k in kinds if "stderr" in k}, f"{name}: {kinds}")


def check_apart(engine, name):
    check_always(engine, name)
    wanted = {"Uid": [str(UID)] * 4, "Gid": [str(GID)] * 4, "Groups": []}
    for field, value in wanted.items():
        tap.equal(separation.numbers(engine, field), value, f"{name}: {field} {' '.join(value) or '(none)'}")
    root = os.readlink(f"/proc/{engine}/root")
    tap.ok(root != "/", f"{name}: the root directory is another", root)
    tap.equal(separation.can_list(f"/proc/{engine}/root/"), [], f"{name}: with nothing in it")


def check_here(engine, ids, name):
    check_always(engine, name)
    uid, gid = ids
    tap.equal(separation.numbers(engine, "Uid"), [str(uid)] * 4, f"{name}: uid {uid}")
    tap.equal(separation.numbers(engine, "Gid"), [str(gid)] * 4, f"{name}: gid {gid}")
    tap.equal(os.readlink(f"/proc/{engine}/root"), "/", f"{name}: the root directory is what it was")


def check_works(connected, name):
    tap.equal(connected.echo, LINE, f"{name}: echo", connected.ours.stderr)
    tap.equal(connected.end(), 0, f"{name}: all exit 0", connected.ours.stderr)


def paths(rows):
    """Rows: a program, its options, how its peer is."""
    for program, options, peer in rows:
        words = f"{program.name} {' '.join(options)}"
        with Connected(program, options, ENV, peer=peer, wrapper=("setpriv", "--groups", "7,8")) as there:
            check_apart(there.engine, f"{words}, TLS_UID")
            check_works(there, f"{words}, TLS_UID")
        with Connected(program, options, peer=peer) as there:
            check_here(there.engine, (0, 0), f"{words}, root")
            check_works(there, f"{words}, root")
        with Connected(program, options, peer=peer, wrapper=NOT_ROOT) as there:
            check_here(there.engine, (54323, 54324), f"{words}, not root")
            check_works(there, f"{words}, not root")


def truncation(mode):
    """The engine in jail says on a log, which is a file, what ended the connection."""
    with Connected(programs.TLSD, ["-m", mode, "-J"], ENV) as there:
        there.peer.sock.shutdown(1)
        there.peer.drain()
        tap.equal(there.ours.wait(), 98, "-J in jail: exit 98", there.ours.stderr)
        address = name_of(there.peer.sock)
        wanted = f"ktls-relay: fatal: {address}: the peer ended the connection without close_notify\n"
        tap.equal(there.ours.stderr(), wanted, "-J in jail: the message is in the log")


def without_filters(mode):
    """A kernel without them: nobody asked for a jail, so there is as much of it as can be."""
    options = ["-m", mode, "-v", "2"]
    with Connected(programs.TLSD, options, wrapper=WITHOUT_SECCOMP) as there:
        for resource in ("Max processes", "Max core file size"):
            tap.equal(separation.limit(there.engine, resource), ["0", "0"], f"no filters: {resource} 0")
        check_works(there, "no filters")
        said = there.ours.stderr()
        wanted = "ktls-relay: warning: the engine has no system call filter: Invalid argument\n"
        tap.ok(wanted in said, "no filters: -v 2 says so", said)
    outcome = programs.meet(programs.TLSD, env=ENV, mode=mode, wrapper=WITHOUT_SECCOMP)
    tap.ok(outcome.code == 97 and outcome.env is None, "no filters, TLS_UID: exit 97", outcome.errors)


def refused(wrapper, env, name, wanted):
    """ktls-relay itself, between ktls-tlsd -m kernel and prog."""
    path = proc.temp("started")
    prog = (*wrapper, os.path.join(proc.BIN, "ktls-relay"), "touch", path)
    a, b = tcp_pair()
    with tlsd(b, ["-m", "kernel", "-Z"], prog, env=env) as ours, a:
        tls = Tls(a, context())
        tls.handshake()
        tls.drain()
        code, said = ours.wait(), ours.stderr()
        tap.equal(code, 97, f"{name}: exit 97", said)
        tap.equal(os.path.exists(path), False, f"{name}: prog is not started")
        tap.ok(len(said.splitlines()) == 1 and wanted in said, f"{name}: {wanted}", said)
