#!/usr/bin/python3
# ktls-init: which signals reach the program, and its process group.
# runs: host
# runs: oldest kernel; not: sanitizers

import os
import signal

import lib
import init
import proc
import tap
from init import BOTH, INIT, MISTAKES, NOT_PASSED, PASSED, PROCESS_1, WITNESS, Init

LAST = signal.SIGRTMAX


def name(sig):
    try:
        return signal.Signals(sig).name
    except ValueError:
        return f"SIGRTMIN+{sig - signal.SIGRTMIN}"


def passed():
    for how in BOTH:
        with Init(how) as one:
            one.ready()
            for sig in PASSED:
                one.send(sig)
                tap.equal(one.signals(sig), [sig], f"{how}: {name(sig)} is passed on, once")


def not_passed():
    for how in BOTH:
        for sig in NOT_PASSED:
            if how != PROCESS_1 and sig in MISTAKES:
                continue  # it ends by them, see below
            with Init(how) as one:
                one.ready().send(sig)
                one.send(LAST)
                tap.equal(one.signals(LAST), [LAST], f"{how}: {name(sig)} is not passed on")


def mistakes_end_it():
    for sig in MISTAKES:
        with Init(wrapper=["prlimit", "--core=0"]) as one:
            one.ready().send(sig)
            tap.equal(one.proc.wait(), 128 + sig, f"subreaper: {name(sig)} ends it")
            tap.ok(one.program not in init.children(one.pid), "and it has no program any more")


def many_at_once():
    """All while it is stopped: none is lost."""
    wanted = [sig for sig in PASSED if sig not in (signal.SIGTSTP, signal.SIGCONT)]
    with Init() as one:
        one.ready().send(signal.SIGSTOP)
        proc.await_true(lambda: init.state(one.pid) == "T", "ktls-init to stop")
        for sig in wanted:
            one.send(sig)
        one.send(signal.SIGCONT)
        got = set()
        while not set(wanted) <= got:
            got |= set(one.signals(max(set(wanted) - got)))
        tap.equal(sorted(got - {signal.SIGCONT}), wanted, "all signals at once while it is stopped")


def queued():
    with Init() as one:
        one.ready()
        for _ in range(50):
            one.send(signal.SIGRTMIN)
        one.send(LAST)
        tap.equal(one.signals(LAST).count(signal.SIGRTMIN), 50, "a real-time signal 50 times is 50 signals")


def stop_and_continue():
    for how in BOTH:
        with Init(how, prog=[WITNESS, "die"]) as one:
            program = proc.await_true(lambda: init.children(one.pid), "the program")[0]
            proc.await_true(lambda: init.state(program) == "S" and not blocked(program), "the witness")
            one.send(signal.SIGTSTP)
            proc.await_true(lambda: init.state(program) == "T", "the program to stop")
            tap.ok(init.state(one.pid) != "T", f"{how}: SIGTSTP stops the program, not ktls-init")
            one.send(signal.SIGCONT)
            proc.await_true(lambda: init.state(program) != "T", "the program to continue")
            tap.ok(True, f"{how}: SIGCONT continues it")
            one.send(signal.SIGTERM)
            tap.equal(one.proc.wait(), 128 + signal.SIGTERM, f"{how}: and SIGTERM ends it")


def blocked(pid):
    return int(init.field(pid, "SigBlk"), 16)


def group():
    """A pipeline of two witnesses: with -g both get the signal."""
    script = f"'{WITNESS}' report <&4 4<&- >&3 & exec '{WITNESS}' report"
    for how in BOTH:
        for options, both in (([], False), (["-g"], True), (["--kill-group"], True)):
            with Group(how, options, script) as one:
                one.check(options, both)
        with Group(how, [], script, {"TINI_KILL_PROCESS_GROUP": "1"}) as one:
            one.check(["TINI_KILL_PROCESS_GROUP"], True)


class Group(Init):
    def __init__(self, how, options, script, env=None):
        fds = {0: "pipe", 1: "pipe", 3: "pipe"}
        keep_open, self.held = os.pipe()
        super().__init__(how, options, ["sh", "-c", script], env, {**fds, 4: keep_open})
        os.close(keep_open)

    def check(self, options, both):
        self.proc.read(until=rb"watching\n", fd=3)
        self.ready()
        self.send(signal.SIGUSR1)
        self.signals(signal.SIGUSR1)
        # to the second alone, so that it has something to say in any case
        second = [pid for pid in proc.descendants(self.pid) if pid != self.program][0]
        os.kill(second, LAST)
        got = self.proc.read(until=rb"signal %d\n" % LAST, fd=3)
        name = " ".join(options) or "without -g"
        tap.equal(
            b"signal 10\n" in got, both, f"{self.how}, {name}: {'all of the group' if both else 'only prog'}"
        )

    def __exit__(self, *_):
        os.close(self.held)
        super().__exit__()


def parent_death():
    """The parent is a shell that ends when its input does."""
    for option, sig in (("USR1", signal.SIGUSR1), ("SIGTERM", signal.SIGTERM), ("hup", signal.SIGHUP)):
        theirs, ours = os.pipe()
        script = f"'{INIT}' -ns -p {option} '{WITNESS}' report <&4 4<&- & read x"
        with proc.Proc(["sh", "-c", script], init.environment(), {0: "pipe", 1: "pipe", 4: theirs}) as shell:
            os.close(theirs)
            shell.read(until=rb"watching\n")
            shell.close()
            shell.wait()
            shell.read(until=rb"signal %d\n" % sig)
            tap.ok(True, f"-p {option}: the parent's death is {name(sig)}")
            os.close(ours)
            tap.equal(shell.read(), b"", f"-p {option}: and nothing else")


tap.main(
    passed, not_passed, mistakes_end_it, many_at_once, queued, stop_and_continue, group, parent_death
)
