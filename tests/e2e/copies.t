#!/usr/bin/python3
# Descriptors of the connection that ktls-relay was started with: whatever fails
# while it looks for them, prog cannot write past TLS.

import os
import re
import resource

import lib
import proc
import separation
import strace
import tap
from peers import Tls, context, tcp_pair, tlsd

MARKER = b"past TLS\n"
# writes the marker to descriptors of that number, says "done" where it should,
# and says in a file that it was there, and which other descriptors were, too
PROG = """
open(F, '>', $ENV{STARTED});
for (2000, 9, 3000) { print F "$_\\n" if open(C, '>&=', $_) and syswrite(C, "past TLS\\n") }
close F; syswrite(STDOUT, "done\\n");
"""

_, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, _hard), _hard))


class Outcome:
    """code, errors; started: None or the numbers that prog could write to;
    reply that the peer had; wire: all bytes that it had."""


def run(wrapper=(), numbers=(9, 2000), others=()):
    outcome, path = Outcome(), proc.temp("started")
    a, b = tcp_pair()
    copies = {number: b.dup() for number in numbers}
    rest = {number: os.open("/dev/null", os.O_WRONLY) for number in others}
    prog = ("perl", "-e", PROG)
    fds = {**copies, **rest}
    with tlsd(b, ["-m", "user"], prog, env={"STARTED": path}, fds=fds, wrapper=wrapper) as ours, a:
        for copy in copies.values():
            copy.close()
        tls = Tls(a, context())
        outcome.reply = b""
        try:
            tls.handshake()
            outcome.reply = tls.read_exactly(5)
        except OSError:
            pass
        tls.drain()
        a.close()  # the engine would hear it out, and strace waits for the engine
        outcome.code, outcome.errors, outcome.wire = ours.wait(), ours.stderr(), tls.got
    for fd in rest.values():
        os.close(fd)
    outcome.started = None
    if os.path.exists(path):
        with open(path) as f:
            outcome.started = f.read().split()
    return outcome


def check(outcome, name, inherited=()):
    """prog has what it should, and no copy; or it was not started."""
    tap.ok(MARKER not in outcome.wire, f"{name}: nothing in the clear", (outcome.code, outcome.errors))
    if outcome.started is None:
        told = outcome.code in (96, 97, 98, 101, 111) and len(outcome.errors.splitlines()) == 1
        tap.ok(told, f"{name}: prog was not started, exit {outcome.code}", outcome.errors)
    else:
        tap.equal(set(outcome.started), set(map(str, inherited)), f"{name}: what prog could write to")


def listed():
    outcome = run(others=(3000,))
    check(outcome, "with /proc", [3000])
    tap.equal(outcome.reply, b"done\n", "with /proc: prog runs", outcome.errors)


def unlisted(script, name):
    wrapper = separation.unshared(script)
    if separation.SANITIZED or not separation.is_allowed(*wrapper):
        return tap.skip(name, "nothing can be mounted here")
    outcome = run(wrapper)
    check(outcome, name)
    tap.equal(outcome.reply, b"done\n", f"{name}: prog runs", outcome.errors)


def without_proc():
    fake = proc.temp("fake-proc")
    os.makedirs(os.path.join(fake, "self", "fd"))
    unlisted("umount -l /proc", "without /proc")
    unlisted(f"umount -l /proc && mount --bind {fake} /proc", "with a /proc that is none")


def injected(call, error, count):
    """strace makes one call of the process that becomes prog fail."""
    log = proc.temp("strace")
    when = f"inject={call}:error={error}:when={count}"
    return ("strace", "-f", "-q", "-o", log, "-e", f"trace={call}", "-e", when)


CALLS = ("openat", "getdents64", "fstatfs", "newfstatat", "fstat", "fcntl", "close_range", "dup2", "pipe2")
CALLS += ("prctl", "prlimit64", "rt_sigaction", "memfd_create", "lseek", "pread64", "clone")

# without which prog is not to run
VITAL = re.compile(r"F_SETFD|PR_SET_DUMPABLE|RLIMIT_CORE|SIGPIPE")


def calls():
    """Calls of ktls-relay up to prog, and vital ones of ktls-tlsd: {name: [(number, line)]}."""
    trace = strace.Strace("execve", *CALLS)
    run(trace.wrapper)
    ours = next(iter(trace.lines().values()))
    images = [i for i, line in enumerate(ours) if line.startswith("execve(")]
    relay, prog = next(i for i in images if "ktls-rel" in ours[i]), images[-1]
    found = {}
    for i, line in enumerate(ours[:prog]):
        call = re.match(r"\w+", line).group(0)
        if call in CALLS:
            found.setdefault(call, []).append((i > relay or VITAL.search(line), line))
    return {
        call: [(number, line) for number, (counts, line) in enumerate(made, 1) if counts]
        for call, made in found.items()
    }


@tap.looks_inside
def every_failure():
    """Each of them fails once."""
    if separation.SANITIZED:
        return tap.skip("failures", "strace and LeakSanitizer exclude each other")
    made = calls()
    for call, places in made.items():
        for count, line in places:
            for error in ("EIO", "ENOMEM"):
                name = f"{line.split(')')[0]}): {error}"
                outcome = run(injected(call, error, count))
                check(outcome, name)
                if VITAL.search(line):
                    wanted = outcome.code == 111 and outcome.started is None
                    tap.ok(wanted, f"{name}: exit 111 instead of prog", (outcome.code, outcome.errors))


tap.main(listed, without_proc, every_failure)
