"""Programs under valgrind, and what it says of them."""

import glob
import os
import re
import shutil
import subprocess

import proc
import tap

if not shutil.which("valgrind"):
    tap.skip_all("no valgrind; Debian package valgrind")

# Valgrind must see malloc and free, so libc must not be in the program.
proc.BIN = os.path.join(proc.BUILD, "tests", "dynamic")
proc.TLSD, proc.TLSC = (os.path.join(proc.BIN, name) for name in ("ktls-tlsd", "ktls-tlsc"))

with open(proc.TLSD, "rb") as _program:
    if b"ld-musl" in _program.read():
        tap.skip_all("valgrind does not know musl's malloc")


def _track_fds():
    """Valgrind 3.24, of Debian 13, crashes while it explains that close_range(2) closes
    descriptors that are closed: descriptors are tracked by older ones."""
    said = subprocess.run(["valgrind", "--version"], capture_output=True, text=True).stdout
    version = tuple(map(int, re.search(r"(\d+)\.(\d+)", said).groups()))
    return [] if version >= (3, 24) else ["--track-fds=yes"]


def wrap():
    logs = proc.temp("valgrind")
    os.mkdir(logs)
    return logs, (
        os.path.join(proc.LIB, "without-seccomp"),  # the engine's filter would kill valgrind
        "valgrind",
        "-q",
        "--leak-check=full",
        "--show-leak-kinds=all",
        *_track_fds(),
        "--trace-children=yes",
        "--trace-children-skip=*/sh,*/cat,*/touch,*/true",
        f"--log-file={logs}/%p",
    )


# Descriptors that were open at the start.
NO_COMPLAINT = r"FILE DESCRIPTORS|Open .*\n?\s*<inherited from parent>"


def complaints(logs):
    """Valgrind's words, without the descriptors that were open at the start."""
    found = []
    for path in glob.glob(logs + "/*"):
        with open(path, errors="replace") as f:
            text = re.sub(r"(?m)^==\d+== ?", "", f.read())
        for part in re.split(r"\n\s*\n", text):
            part = part.strip()
            if part and not re.match(NO_COMPLAINT, part):
                found.append(part)
    return "\n\n".join(found)


def check(ours, logs, name, codes):
    code = ours.wait()
    found = complaints(logs)
    tap.ok(
        code in codes and not found, f"valgrind, {name}: exit {code}", lambda: found + "\n" + ours.stderr()
    )


def converse(tls, ours):
    try:
        tls.handshake()
        tls.write(b"hello\n")
        tls.read_exactly(6)
        tls.close_notify(fin=True)
        while tls.fill():
            pass
    except OSError as e:
        tap.diag(f"{e}: {ours.stderr()}")
