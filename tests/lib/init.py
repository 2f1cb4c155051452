"""ktls-init with tests/e2e/witness as its program, as a subreaper or as process 1
of a namespace of its own; without the socket service, whose processes would be
among those that are counted here."""

import os
import re
import signal

import namespaces
import proc
from proc import Proc, await_true

INIT = os.path.join(proc.BIN, "ktls-init")
WITNESS = os.path.join(proc.BUILD, "tests", "e2e", "witness")
NEEDED = ("--pid", "--fork", "--mount-proc", "--kill-child")
NAMESPACE = namespaces.unshare(*NEEDED)
needs_namespace = namespaces.needed(*NEEDED)
SUBREAPER, PROCESS_1 = "subreaper", "process 1"
BOTH = (SUBREAPER, PROCESS_1) if namespaces.possible(*NEEDED) else (SUBREAPER,)
TINI_VARIABLES = {"TINI_SUBREAPER": None, "TINI_KILL_PROCESS_GROUP": None, "TINI_VERBOSITY": None}

MISTAKES = [signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP]
MISTAKES += [signal.SIGSYS]
NOT_PASSED = [*MISTAKES, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD]
UNSTOPPABLE = [signal.SIGKILL, signal.SIGSTOP]
PASSED = sorted(set(signal.valid_signals()) - set(NOT_PASSED) - set(UNSTOPPABLE))


# AddressSanitizer catches some of them otherwise
NO_HANDLERS = {"ASAN_OPTIONS": "handle_segv=0:handle_sigbus=0:handle_sigfpe=0"}


def environment(**changes):
    return proc.environment(**{**TINI_VARIABLES, **NO_HANDLERS, **changes})


def children(pid):
    """All of them, zombies too, the oldest first."""
    found = []
    for child in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{child}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append((int(fields[19]), int(child)))  # starttime
    return [child for _, child in sorted(found)]


def field(pid, name):
    with open(f"/proc/{pid}/status") as f:
        return re.search(rf"^{name}:\s*(\S+)", f.read(), re.M).group(1)


def state(pid):
    return field(pid, "State")


class Init:
    """.pid: ktls-init's process id, seen from here; .program: its program's."""

    def __init__(self, how=SUBREAPER, options=(), prog=(WITNESS, "report"), env=None, fds=None, wrapper=()):
        namespace = NAMESPACE if how == PROCESS_1 else []
        subreaper = ["-s"] if how == SUBREAPER else []
        argv = [*namespace, *wrapper, INIT, "-n", *subreaper, *options, *prog]
        self.proc = Proc(argv, environment(**(env or {})), fds or {0: "pipe", 1: "pipe"})
        self.how = how
        self.output = b""
        self.facts = {}
        self.pid = self._find() if how == PROCESS_1 else self.proc.pid

    def _find(self):
        """What unshare executes into, or None when it is over already."""
        await_true(
            lambda: children(self.proc.pid) or state(self.proc.pid) == "Z", "the namespace's first process"
        )
        return (children(self.proc.pid) or [None])[0]

    def ready(self):
        """Waits until the witness watches; what it has told is in .facts."""
        self.expect(rb"watching\n")
        self.facts = facts(self.output)
        self.program = children(self.pid)[0]
        return self

    def expect(self, pattern):
        self.output += self.proc.read(until=pattern)

    def send(self, sig):
        os.kill(self.pid, sig)

    def signals(self, last):
        """The signals that the witness has got, from the last asking up to and
        with this one."""
        self.output = b""
        self.expect(rb"signal %d\n" % last)
        return [int(number) for number in re.findall(rb"signal (\d+)", self.output)]

    def stop(self, code=0):
        self.proc.write(b"exit %d\n" % code)
        return self.proc.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.close()
        if self.facts:
            self.proc.wait()
        self.proc.end()


def run(options=(), prog=("true",), how=SUBREAPER, env=None):
    """Exit code and standard error of a run to its end."""
    with Init(how, options, prog, env, {0: None, 1: None}) as init:
        return init.proc.wait(), init.proc.stderr()


def facts(output):
    """What the witness tells of itself in its first line."""
    return dict(word.split("=") for word in output.decode().split("\n")[0].split() if "=" in word)
