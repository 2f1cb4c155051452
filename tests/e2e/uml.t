#!/usr/bin/python3
# tools/uml: a kernel that was built for a smaller XSAVE area than the processor
# has, kernels that do not start, and what is said of them. A processor with a
# larger area is simulated at the kernel's ptrace (uml/larger_area.c): User Mode
# Linux and its TLS are real.
# runs: host; not: sanitizers; takes: long

import os
import subprocess

import lib
import proc
import tap

UML = os.path.join(proc.ROOT, "tools", "uml")
KERNEL = "/usr/bin/linux.uml"
KTLS_TEST = os.path.join(proc.BUILD, "tests", "unit", "ktls")
OURS = ("KTLS_UML", "KTLS_UML_ARGS", "KTLS_UML_MODULES", "KTLS_UML_XSAVE", "CC")
PRELOADING = "XSAVE area is larger"


def uml(*command, options=(), **variables):
    """Status, standard output and the lines of standard error."""
    env = proc.environment(**{**dict.fromkeys(OURS), **variables})
    done = subprocess.run(
        [UML, *options, *command], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stdout, done.stderr.splitlines()


def script(name, text):
    path = proc.temp(name)
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def with_larger_area():
    """Debian's kernel on a processor with AMX."""
    library = proc.temp("larger_area.so")
    source = os.path.join(proc.ROOT, "tests", "e2e", "uml", "larger_area.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    return script(
        "linux-amx", f'LD_PRELOAD="${{LD_PRELOAD:+$LD_PRELOAD:}}{library}" exec {KERNEL} "$@"\n'
    )


def needs_nothing():
    status, output, errors = uml("sh", "-c", "echo it runs; exit 7")
    if any(PRELOADING in line for line in errors):
        return tap.skip("a processor with a small XSAVE area", "this one has a larger one")
    tap.equal((status, output, errors), (7, "it runs\n", []), "a processor that needs nothing: not a word")


def forced():
    """On any processor: the kernel runs with the library, and so does its TLS."""
    status, output, errors = uml(KTLS_TEST, KTLS_UML_XSAVE="always")
    tap.equal((status, errors), (0, []), "KTLS_UML_XSAVE=always: tests/unit/ktls passes, without a word")
    tap.ok("\nok 1 " in "\n" + output and "not ok" not in output, "and it did run", output[-2000:])


def found_out():
    kernel = with_larger_area()
    status, _, errors = uml("true", KTLS_UML=kernel, KTLS_UML_XSAVE="never")
    tap.equal((status, len(errors)), (125, 1), "a larger area, and no library: one line", errors)
    tap.ok("did not start: " in errors[0] and "ptrace set fp regs failed" in errors[0], errors[0])
    status, output, errors = uml(KTLS_TEST, KTLS_UML=kernel)
    tap.equal((status, len(errors)), (0, 1), "a larger area: one line, and tests/unit/ktls passes", errors)
    tap.ok(PRELOADING in errors[0] and "not ok" not in output, errors[0], output[-2000:])
    library = proc.temp("uml-xsave.so")
    source = os.path.join(proc.ROOT, "tools", "uml-xsave.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    status, output, errors = uml("echo", "it runs", KTLS_UML=kernel, KTLS_UML_XSAVE=library)
    tap.equal((status, output, errors), (0, "it runs\n", []), "a library that was compiled before: not a word")
    status, _, errors = uml("true", KTLS_UML=kernel, CC=script("cc", "echo no cc here >&2; exit 1"))
    tap.equal(status, 125, "no compiler")
    tap.ok("cannot compile" in errors[-1] and "no cc here" in errors[-1], errors[-1])


def refuses():
    for value in ("yes", "/nonexistent.so"):
        status, _, errors = uml("true", KTLS_UML_XSAVE=value)
        tap.equal((status, len(errors)), (125, 1), f"KTLS_UML_XSAVE={value}", errors)


def broken_kernels():
    """One line each, with a reason, and not what helps others."""
    panic = "Kernel panic - not syncing: no init found"
    many_lines = f'echo "{panic}" >&2; i=0; while [ $i -lt 60 ]; do echo trace $i >&2; i=$((i+1)); done; exit 1'
    for what, text, options, code, words in (
        ("that panics", many_lines, (), 125, panic),
        ("that says nothing", "exit 1", (), 125, "did not start"),
        ("that is killed", "kill -SEGV $$", (), 125, "did not start"),
        ("that hangs", "case $1 in --*) exit; esac; exec sleep 1000", ("-t", "2"), 124, "did not start within 2 s"),
    ):
        status, output, errors = uml("true", KTLS_UML=script("linux", text), options=options)
        tap.equal((status, output, len(errors)), (code, "", 1), f"a kernel {what}: one line", errors)
        tap.ok(words in errors[0], f"a kernel {what}: {errors[0]}")
    with open(proc.temp("linux"), "w") as f:
        f.write("\x7fELF of some other machine")
    os.chmod(f.name, 0o755)
    for what, path in (("of another machine", f.name), ("that is not there", "/nonexistent"), ("a folder", "/usr")):
        status, _, errors = uml("true", KTLS_UML=path)
        tap.equal((status, len(errors)), (125, 1), f"a kernel {what}: one line", errors)


def ended_later():
    """Whoever is in the guest already: what it said stays, and the status tells."""
    for seconds in (3, 12, 48, 192):
        status, output, errors = uml("sh", "-c", "echo begun; sleep 1000", options=("-t", str(seconds)))
        if output:
            break
    tap.equal((status, output), (124, "begun\n"), "a command that does not end", errors)
    said = any(f"did not end within {seconds} s" in line for line in errors)
    tap.ok(said, "is said to have taken too long", errors)


if not os.access(KERNEL, os.X_OK):
    tap.skip_all(f"no {KERNEL}; Debian package user-mode-linux has it")
tap.main(needs_nothing, forced, found_out, refuses, broken_kernels, ended_later)
