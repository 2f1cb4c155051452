"""TLS_UID and TLS_GID: the handshake's process, seen from outside, and prog."""

import json
import os
import signal
import ssl
import subprocess

import memory
import peers
import pki
import proc
import programs
import tap
from peers import Tls, context, tcp_pair

UID, GID = 54321, 54322
ENV = {"TLS_UID": UID, "TLS_GID": GID}


with open(proc.TLSD, "rb") as _program:
    # whose memory is 20 TB, which can neither be limited nor searched
    SANITIZED = b"__asan_init" in _program.read()


def need_root():
    if os.geteuid() != 0:
        tap.skip_all("needs root")


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":", 1) for line in f)


def numbers(pid, field):
    return status(pid)[field].split()


def is_jailed(pid):
    try:
        return numbers(pid, "Seccomp") == ["2"]
    except (FileNotFoundError, ProcessLookupError):
        return False


def handshaker(ours):
    """The process in jail that a program has made."""
    jailed = lambda: [pid for pid in proc.descendants(ours.pid) if is_jailed(pid)]
    return proc.await_true(jailed, "a process in jail")[0]


class Stalled:
    """A handshake whose peer has said hello, got the answer, and says no more."""

    def __init__(self, program, options, env=None, peer=None, **more):
        a, b = tcp_pair()
        self.ours = program.start(b, options, env={**ENV, **(env or {})}, **more)
        self.peer = Tls(a, peer or program.peer(), server=not program.server)
        self.step()
        self.peer.fill()
        self.child = handshaker(self.ours)

    def step(self):
        try:
            self.peer.tls.do_handshake()
        except ssl.SSLWantReadError:
            self.peer.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ours.end()
        self.peer.sock.close()


# ---- the handshake's process ----


def limit(pid, name):
    with open(f"/proc/{pid}/limits") as f:
        line = next(line for line in f if line.startswith(name))
    return line[len(name) :].split()[:2]


def can_list(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def descriptors(pid):
    """The kinds of all of them: "pipe", "socket", or a path."""
    folder = f"/proc/{pid}/fd"
    return sorted(os.readlink(f"{folder}/{fd}").split(":")[0] for fd in os.listdir(folder))


def check_jailed(child, name):
    wanted = {"Uid": [str(UID)] * 4, "Gid": [str(GID)] * 4, "Groups": [], "NoNewPrivs": ["1"]}
    wanted.update({f"Cap{kind}": ["0" * 16] for kind in ("Prm", "Eff", "Inh", "Amb")})
    for field, value in wanted.items():
        tap.equal(numbers(child, field), value, f"{name}, its process: {field} {' '.join(value) or '(none)'}")
    root = os.readlink(f"/proc/{child}/root")
    tap.ok(root != "/", f"{name}, its process: the root directory is another", root)
    tap.equal(os.readlink(f"/proc/{child}/cwd"), root, f"{name}, its process: so is the working directory")
    tap.equal(can_list(f"/proc/{child}/root/"), [], f"{name}, its process: with nothing in it")
    for resource in ("Max processes", "Max file size", "Max core file size"):
        tap.equal(limit(child, resource), ["0", "0"], f"{name}, its process: {resource} 0")
    tap.ok(int(limit(child, "Max cpu time")[1]) <= 60, f"{name}, its process: little CPU time")


def handshake_process(program, options):
    name = f"{program.name} {' '.join(options)}, in the middle of a handshake"
    client = {} if program.server else {"CERTFILE": pki.crt("client-ec"), "KEYFILE": pki.key("client-ec")}
    with Stalled(program, options, client, wrapper=("setpriv", "--groups", "7,8")) as stalled:
        check_jailed(stalled.child, name)
        kinds = descriptors(stalled.child)
        tap.equal(kinds[0], "socket", f"{name}: a socket to the parent")
        tap.equal(set(kinds[1:]), {"socket"}, f"{name}: and the connection are its descriptors")
        tap.equal(numbers(stalled.ours.pid, "Uid"), ["0"] * 4, f"{name}: the parent's uid is root's still")
        tap.equal(numbers(stalled.ours.pid, "Groups"), ["7", "8"], f"{name}: and it has its groups")


# ---- the private key ----


def keys_in_memory(options, version, cert):
    name = f"ktls-tlsd {' '.join(options)}, TLS {version}, key of {cert}"
    secrets = memory.secrets_of(cert)
    with Stalled(programs.TLSD, options, cert=cert, peer=context(version=version)) as stalled:
        ours, tls = stalled.ours, stalled.peer
        tap.ok(memory.holds(stalled.child, secrets), f"{name}: the handshake's process has it")
        tap.equal(memory.holds(ours.pid, secrets), 0, f"{name}: but not in the parent")
        tls.handshake()
        tls.write(b"hello\n")
        tap.equal(tls.read_exactly(6), b"hello\n", f"{name}: prog has the connection", ours.stderr)
        left = {ours.pid, *proc.descendants(ours.pid)}
        found = {pid: memory.holds(pid, secrets) for pid in left}
        tap.ok(stalled.child not in left, f"{name}: the handshake's process is gone")
        tap.equal(set(found.values()), {0}, f"{name}: of {len(left)} processes left none has it", found)


# ---- prog ----

LOOK = os.path.join(proc.LIB, "look-around")
# a super-server that is as unusual as can be
BEFORE = (
    *("env", "--ignore-signal=CHLD,USR1", "--block-signal=CHLD,USR2"),
    *("prlimit", "--nofile=77:99", "--cpu=1000:2000", "--data=9000000000", "--fsize=1000000:2000000"),
    *("setpriv", "--groups", "7,8", "sh", "-c", 'umask 031; cd /usr; exec "$0" "$@"'),
)


def look(command, **more):
    path = proc.temp("report")
    with proc.Proc([*BEFORE, *command], proc.environment(REPORT=path, **more)) as ours:
        if ours.wait() != 0:
            raise RuntimeError(ours.stderr())
    return read_report(path)


def read_report(path):
    with open(path) as f:
        return json.load(f)


def behind(program, options, env):
    """What prog sees behind a handshake."""
    path = proc.temp("report")
    a, b = tcp_pair()
    with program.start(b, options, (LOOK,), env={"REPORT": path, **env}, wrapper=BEFORE) as ours, a:
        tls = Tls(a, program.peer(), server=not program.server)
        tls.handshake()
        tls.drain()
        code = ours.wait()
        tap.equal(code, 0, f"{program.name} {' '.join(options)}: prog was executed", ours.stderr)
    return read_report(path)


def prog_has_what_it_had(program, options):
    name = f"{program.name} {' '.join(options)}"
    plain, report = look((LOOK,)), behind(program, options, ENV)
    for what in ("status", "limits", "root", "directory", "owner"):
        tap.equal(report[what], plain[what], f"{name}: prog's {what} is as without us")
    others = [child for child in report["children"] if child[0] != "ktls-relay"]
    tap.equal(others, [], f"{name}: prog has no child, dead or alive, but for the relay")
    tap.ok(not set(ENV) & set(report["environment"]), f"{name}: neither variable is in prog's environment")
    kept = behind(program, [*options, "-Z"], ENV)["environment"]
    tap.equal({v: kept.get(v) for v in ENV}, {v: str(n) for v, n in ENV.items()}, f"{name} -Z: both are")


# ---- whole chains ----

SCRIPT = """
export TLS_UID %d export TLS_GID %d export CERTFILE %s export KEYFILE %s
%s %s s6-applyuidgid -u 1001 -g 1002 -G 1003 id
"""


def execline_chain(options):
    """Three users: root starts it, one shakes hands, one answers."""
    words = " ".join(options)
    path = proc.temp("script")
    with open(path, "w") as f:
        paths = [f'"{path}"' for path in (pki.crt("ec256"), pki.key("ec256"), proc.TLSD)]
        f.write(SCRIPT % (UID, GID, *paths, words))
    a, b = tcp_pair()
    with a, b, proc.Proc(["execlineb", "-P", path], proc.environment(), {0: b, 1: b}) as ours:
        tls = Tls(a, context())
        tls.handshake()
        answer = b""
        while b"\n" not in answer:
            answer += tls.read()
        name = f"execlineb: export TLS_UID, ktls-tlsd {words}, s6-applyuidgid, id"
        tap.ok(answer.startswith(b"uid=1001 gid=1002 groups=1002,1003"), name, answer)
        tap.equal(ours.wait(), 0, f"{name}: exit 0", ours.stderr)


# ---- other roots ----


def is_allowed(*command):
    return subprocess.run([*command, "true"], capture_output=True, timeout=proc.LIMIT).returncode == 0


def unshared(script):
    return ("unshare", "-m", "sh", "-c", script + ' && exec "$0" "$@"')


def without_proc(options, script, name):
    """The other way to an empty directory: one that is removed."""
    wrapper = unshared(script)
    if not is_allowed(*wrapper):
        return tap.skip(name, "nothing can be mounted here")
    with Stalled(programs.TLSD, options, wrapper=wrapper) as stalled:
        check_jailed(stalled.child, name)
        root = os.readlink(f"/proc/{stalled.child}/root")
        removed = root.startswith("/tmp/") and root.endswith("(deleted)")
        tap.ok(removed, f"{name}: the root directory is {root}")
        tap.ok(not os.path.exists(root.split()[0]), f"{name}: it is gone")


def without_either(options, script):
    name, wrapper = "neither /proc nor a folder to write to", unshared(script)
    if not is_allowed(*wrapper):
        return tap.skip(name, "nothing can be mounted here")
    outcome = programs.meet(programs.TLSD, options, ENV, mode=None, wrapper=wrapper)
    tap.ok(
        outcome.code == 97 and outcome.env is None and "empty root directory" in outcome.errors[0],
        f"{name}: exit 97",
        (outcome.code, outcome.errors),
    )


def other_roots(options):
    if SANITIZED:
        return tap.skip("other root directories", "LeakSanitizer needs /proc")
    fake = proc.temp("fake-proc")
    os.makedirs(os.path.join(fake, "self", "fdinfo", "1"))
    without_proc(options, "umount -l /proc", "no /proc")
    without_proc(options, f"umount -l /proc && mount --bind {fake} /proc", "a /proc that is none")
    folders = "for i in /tmp /dev/shm /run /var/tmp; do mount --bind $i $i; mount -o remount,bind,ro $i; done"
    without_either(options, f"{folders}; cd /tmp; umount -l /proc")


# ---- ends ----


def parent_dies():
    with Stalled(programs.TLSD, ["-m", "user"]) as stalled:
        os.kill(stalled.ours.pid, signal.SIGKILL)
        stalled.ours.wait()
        gone = lambda: not os.path.exists(f"/proc/{stalled.child}")
        ended = proc.await_true(gone, "the child's end")
        tap.ok(ended, "the handshake's process does not survive its parent")
        stalled.peer.sock.settimeout(proc.LIMIT)
        tap.equal(stalled.peer.sock.recv(1), b"", "and the connection ends with it")


def child_dies(number):
    # one that is stopped is waited for to the end
    patience = ["-K", "5000"] if number == signal.SIGSTOP else []
    with Stalled(programs.TLSD, ["-m", "user", *patience]) as stalled:
        os.kill(stalled.child, number)
        code, errors = stalled.ours.wait(), stalled.ours.stderr()
        wanted = (98, "timed out") if number == signal.SIGSTOP else (97, "the handshake's process was killed")
        name = f"signal {signal.Signals(number).name} to the handshake's process"
        told = code == wanted[0] and wanted[1] in errors
        tap.ok(told, f"{name}: exit {wanted[0]}, {wanted[1]}", (code, errors))
        tap.ok(len(errors.splitlines()) == 1, f"{name}: one line", errors)
        tap.ok(not os.path.exists(f"/proc/{stalled.child}"), f"{name}: it is gone and reaped")


def all_with(options):
    def processes():
        for program in programs.EVERY:
            handshake_process(program, options if program.server else [*options, "-y", "-k", "localhost"])

    def keys():
        for version in peers.BOTH:
            for cert in ("ec256", "rsa"):
                keys_in_memory(options, version, cert)

    def progs():
        for program in programs.EVERY:
            prog_has_what_it_had(program, options if program.server else [*options, "-k", "localhost"])

    def chains():
        execline_chain(options)

    return [processes, chains] if SANITIZED else [processes, chains, keys, progs]
