"""System calls that fail, one in each run: every program must then end, by itself,
with a documented exit code, and no plaintext may be on the wire.

A scenario is a function that takes a wrapper (words before the program's) and
gives the process and the bytes that its peer received. KTLS_INJECT=all lets
every call fail with every error; else each call fails once, with one of them."""

import errno
import os

import proc
import records
import tap
from proc import Proc

INJECT = os.path.join(proc.BUILD, "tests", "e2e", "inject")
ERRORS = (errno.EINTR, errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ECONNRESET, errno.EIO)
ANY = frozenset(range(256))  # where the exit code is that of a prog
CODES = {0, 96, 97, 98, 100, 101, 111, 126, 127}
MARKER = b"plaintext-that-nobody-may-see"
ALL = os.environ.get("KTLS_INJECT") == "all"
# the kernel of a test is User Mode Linux as a rule, which is slow
MANY = 1 if ALL else int(os.environ.get("KTLS_INJECT") or ("12" if proc.kernel_has_tls() else "3"))
LIMIT = proc.LIMIT


class Outcome:
    def __init__(self, path):
        self.failed, self.killed, self.calls, self.end, self.spins = None, [], 0, None, False
        with open(path) as f:
            for line in f:
                word, _, rest = line.strip().partition(" ")
                if word == "failed":
                    self.failed = rest
                elif word == "calls":
                    self.calls = int(rest)
                elif word == "killed":
                    self.killed.append(rest)
                elif word == "spins":
                    self.spins = True
                elif word in ("exit", "signal", "prog", "prog-signal"):
                    self.end = (word, int(rest))


def run(scenario, number, error, codes=frozenset()):
    """The Outcome and what is wrong with it, "" for nothing."""
    report = proc.temp("report")
    wrapper = (INJECT, report, proc.BIN + "/", str(number), str(error))
    ours, got = scenario(wrapper)
    try:
        ours.wait(LIMIT)
    except proc.Timeout:
        return Outcome(report), f"hangs: {running(ours)}; stderr {ours.stderr()!r}"
    finally:
        ours.end()
    outcome = Outcome(report)
    os.unlink(report)
    return outcome, fault(outcome, got(), ours.stderr(), codes)


def running(ours):
    return [" ".join(argv) for _, _, argv in proc.descendants(ours.pid).values()]


def fault(outcome, received, stderr, codes):
    if outcome.spins:
        return "spins"
    if outcome.killed:
        return f"a process was killed: {outcome.killed}"
    if outcome.end is None or outcome.end[0] == "signal":
        return f"ended by {outcome.end}; stderr {stderr!r}"
    if outcome.end[0] == "exit" and outcome.end[1] not in CODES | codes:
        return f"exit code {outcome.end[1]}; stderr {stderr!r}"
    if outcome.end[0] == "exit" and outcome.end[1] and outcome.end[1] not in codes and not stderr:
        return f"exit code {outcome.end[1]} without a word"
    if MARKER in received:
        return "plaintext on the wire"
    try:
        records.parse(received)
    except ValueError as e:
        return f"not TLS on the wire: {e}"
    return ""


def test(scenario, name, codes=frozenset()):
    """A scenario with its faults; codes: exit codes that are prog's."""
    whole, wrong = run(scenario, 0, 0)
    if not tap.ok(whole and not wrong and (whole.end[0] == "prog" or whole.end[1] == 0), f"{name}: without a fault", f"{wrong} {whole and whole.end}"):
        return
    found, runs = [], 0
    for number in range(1, whole.calls + 1):
        for i, error in enumerate(ERRORS):
            if not ALL and (number % MANY or i != number // MANY % len(ERRORS)):
                continue
            outcome, wrong = run(scenario, number, error, codes)
            runs += 1
            if wrong:
                found.append(f"call {number} ({outcome and outcome.failed}) {errno.errorcode[error]}: {wrong}")
    tap.ok(not found, f"{name}: {runs} faults in {whole.calls} system calls", "\n".join(found))
