#!/usr/bin/python3
# ktls-init: every orphan is reaped, and the program's exit code comes all the same.
# runs: host
# runs: oldest kernel; not: sanitizers

import os
import signal

import lib
import init
import proc
import tap
from init import BOTH, PROCESS_1, WITNESS, Init

BURST = 1000


def reaped(one):
    return one.proc.stderr().count("warning: reaped orphan process")


def burst():
    for how in BOTH:
        with Init(how, ["-w"], [WITNESS, "orphans", str(BURST)]) as one:
            one.ready()
            proc.await_true(lambda: init.children(one.pid) == [one.program], "the orphans to be reaped")
            tap.equal(reaped(one), BURST, f"{how}: {BURST} orphans that end at once are reaped")
            one.send(signal.SIGUSR1)
            tap.equal(one.signals(signal.SIGUSR1), [signal.SIGUSR1], f"{how}: and then a signal arrives")
            tap.equal(one.stop(9), 9, f"{how}: the exit code")


def quiet():
    with Init(prog=[WITNESS, "orphans", "3"]) as one:
        one.ready()
        proc.await_true(lambda: init.children(one.pid) == [one.program], "the orphans to be reaped")
        tap.equal(one.proc.stderr(), "", "without -w not a word about them")


def not_a_subreaper():
    """Orphans are somebody else's then."""
    with Init(prog=["true"], how="nothing", fds={0: None, 1: None}) as one:
        tap.equal(one.proc.wait(), 0, "neither process 1 nor subreaper: the program runs")
        tap.ok("orphans will not be reaped" in one.proc.stderr(), "with a warning", one.proc.stderr())


def zombies(pid):
    return [child for child in init.children(pid) if init.state(child) == "Z"]


def last_of_all():
    """Orphans that have ended when the program ends."""
    count = 20
    with Init(options=["-w"], prog=[WITNESS, "last-orphans", str(count)]) as one:
        proc.await_true(lambda: len(zombies(one.pid)) == count + 1, "all to end")
        one.send(signal.SIGCONT)
        tap.equal(one.proc.wait(), 5, "the program's exit code")
        tap.equal(reaped(one), count, "orphans that ended with the program are reaped before the end")


def inherited_children():
    """What was started before ktls-init, in the same process."""
    script = f"true & exec '{init.INIT}' -ns -w '{WITNESS}' report"
    with proc.Proc(["sh", "-c", script], init.environment(), {0: "pipe", 1: "pipe"}) as one:
        one.read(until=rb"watching\n")
        proc.await_true(lambda: len(init.children(one.pid)) == 1, "the inherited child to be reaped")
        tap.equal(one.stderr().count("reaped orphan"), 1, "a child from before exec is reaped")
        one.close()
        tap.equal(one.wait(), 0, "and the program's exit code is not mistaken for its")


def unread_messages():
    """Who does not read our messages does not stop us."""
    theirs_end, full = os.pipe()
    os.set_blocking(full, False)
    try:
        while True:
            os.write(full, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(full, True)
    argv = ["sh", "-c", f"exec '{init.INIT}' -ns -vvvv -w '{WITNESS}' orphans 50 2>&5"]
    with proc.Proc(argv, init.environment(), {0: "pipe", 1: "pipe", 5: full}) as one:
        one.read(until=rb"watching\n")
        proc.await_true(lambda: len(init.children(one.pid)) == 1, "the orphans to be reaped")
        os.kill(one.pid, signal.SIGUSR1)
        one.read(until=rb"signal 10\n")
        tap.ok(True, "a full pipe as standard error stops neither reaping nor signals")
        one.close()
        tap.equal(one.wait(), 0, "nor the end")
    os.close(theirs_end)
    os.close(full)


def broken_stderr():
    """Writing to it raises SIGPIPE, which is not for the program."""
    theirs_end, broken = os.pipe()
    os.close(theirs_end)
    argv = ["sh", "-c", f"exec '{init.INIT}' -ns -vvvv -w '{WITNESS}' orphans 50 2>&5"]
    with proc.Proc(argv, init.environment(), {0: "pipe", 1: "pipe", 5: broken}) as one:
        output = one.read(until=rb"watching\n")
        proc.await_true(lambda: len(init.children(one.pid)) == 1, "the orphans to be reaped")
        os.kill(one.pid, signal.SIGUSR1)
        output += one.read(until=rb"signal 10\n")
        tap.ok(b"signal 13" not in output, "a standard error that nobody has open", output)
        one.close()
        tap.equal(one.wait(), 0, "changes nothing")
    os.close(broken)


@init.needs_namespace
def namespace_ends():
    """Descendants that stay do not keep process 1."""
    with Init(PROCESS_1, prog=["sh", "-c", "sleep 1000 & exit 6"], fds={0: None, 1: None}) as one:
        tap.equal(one.proc.wait(), 6, "process 1 ends with its program, not with the last descendant")


tap.main(
    burst,
    quiet,
    not_a_subreaper,
    last_of_all,
    inherited_children,
    unread_messages,
    broken_stderr,
    namespace_ends,
)
