"""What a program asks of the kernel, by strace."""

import re

import proc

CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$")


class Strace:
    """.wrapper goes before a program's words; .calls() are (name, the rest of
    the line), in order."""

    def __init__(self, *names):
        self.log = proc.temp("strace")
        self.wrapper = ("strace", "-f", "-s", "8", "-e", "trace=" + ",".join(names), "-o", self.log)

    def calls(self):
        with open(self.log, errors="replace") as f:
            found = [CALL.match(line) for line in f]
        return [(m.group(1), m.group(2)) for m in found if m]

    def lines(self):
        """{pid: what it asked}, the first process first."""
        found = {}
        with open(self.log, errors="replace") as f:
            for line in f:
                pid, rest = line.split(None, 1)
                found.setdefault(int(pid), []).append(rest)
        return found
