"""What a measured server asks of the kernel, and how many instructions it executes outside of it."""

import collections
import os
import re

import proc

CALL = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(\(| resumed>)(.*)$")
MAKES_A_PROCESS = ("clone", "clone3", "fork", "vfork")


def strace_count():
    """A wrapper and a function that tells the number of all system calls below it."""
    log = proc.temp("strace")

    def count():
        with open(log) as f:
            return int(re.search(r"(\d+)\s+(?:\d+\s+)?total$", f.read(), re.M).group(1))

    return ("strace", "-D", "-f", "-c", "-o", log), count


def callgrind():
    """A wrapper and a function that tells the thousands of instructions of all processes below it."""
    logs = proc.temp("callgrind")
    os.mkdir(logs)

    def count():
        collected = 0
        for name in os.listdir(logs):
            with open(os.path.join(logs, name)) as f:
                collected += sum(int(n) for n in re.findall(r"Collected : (\d+)", f.read()))
        return collected / 1000

    return (
        "valgrind",
        "--tool=callgrind",
        "--trace-children=yes",
        "--callgrind-out-file=/dev/null",
        f"--log-file={logs}/%p",
    ), count


def instructions(server, connections=2):
    """Thousands for one connection, those before the first one not counted."""

    def total(number):
        wrapper, count = callgrind()
        server.run(number, wrapper)
        return count()

    return (total(1 + connections) - total(1)) / connections


def calls(server, folder):
    """{system call: how often} of our programs for one connection: from the execve of one of folder's programs to
    that of prog, and all of a process that our programs made until it executes prog."""
    log = proc.temp("strace")
    server.run(1, ("strace", "-D", "-f", "-qq", "-s", "256", "-e", "signal=none", "-o", log))
    with open(log, errors="replace") as f:
        lines = [match.groups() for match in map(CALL.match, f) if match]
    return _counted(lines, _parents(lines), folder)


def _parents(lines):
    found = {}
    for pid, name, _, rest in lines:
        result = re.search(r"= (\d+)$", rest)
        if name in MAKES_A_PROCESS and result:
            found[result.group(1)] = pid
    return found


def _counted(lines, parents, folder):
    ours, counted = {}, collections.Counter()
    for pid, name, how, rest in lines:
        if how != "(":
            continue
        begins = name == "execve" and rest.startswith(f'"{folder}/ktls-')
        if begins:
            ours[pid] = True
        counting = ours.setdefault(pid, ours.get(parents.get(pid), False))
        counted[name] += counting
        if name == "execve" and not begins:
            ours[pid] = False
    return +counted
