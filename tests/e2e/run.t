#!/usr/bin/python3
# tests/run: what it makes of kernels that do not start and of tests that do not
# come to their end. It runs with a build folder of its own, whose unit tests are
# scripts.
# runs: host; not: sanitizers

import os
import subprocess
import sys

import lib
import proc
import tap

RUN = os.path.join(proc.ROOT, "tests", "run")
GOOD = "echo ok 1 - it is\necho 1..1\n"


def script(path, text):
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def build(tests):
    """A build folder with these unit tests."""
    folder = proc.temp("build")
    os.makedirs(os.path.join(folder, "tests", "unit"))
    with open(os.path.join(folder, "config.mak"), "w") as f:
        f.write("CFLAGS := -O2\n")
    for name, text in tests.items():
        script(os.path.join(folder, "tests", "unit", name.split("@")[0]), text)
    return folder


def run(tests, **variables):
    """Status and lines of a run of them."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("KTLS_")}
    done = subprocess.run(
        [RUN, "--build", build(tests), *tests],
        env={**env, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout.splitlines()


def broken_kernel():
    panic = "Kernel panic - not syncing: no way"
    trace = "".join(f"echo trace {i} >&2\n" for i in range(60))
    kernel = script(proc.temp("linux"), f'echo "{panic}" >&2\n{trace}exit 1\n')
    tests = {"ktls": GOOD, "crypto_der": GOOD}
    broken = {"KTLS_TEST_KERNEL": "uml", "KTLS_UML": kernel}
    status, lines = run(tests, **broken)
    text = "\n".join(lines)
    tap.equal((status, lines[-1]), (0, "Result: PASS"), "a kernel that does not start: the others pass", text)
    tap.equal(sum(line.startswith("tests/run: ") for line in lines), 1, "and one line tells before", text)
    tap.ok(panic in text and "trace" not in text, "which has the reason and no trace", text)
    tap.ok("unit-ktls@kernel .." in text and "skipped: no kernel" in text, "the test that needs it is skipped", text)
    status, lines = run(tests, KTLS_TEST_STRICT="yes", **broken)
    tap.ok(status != 0 and lines[-1] == "Result: FAIL", "KTLS_TEST_STRICT: it is a failure", "\n".join(lines))
    tap.ok(any(f"not ok - {kernel} did not start: {panic}" in line for line in lines), "with the reason", lines)


def no_kernel():
    status, lines = run({"ktls": GOOD, "crypto_der": GOOD}, KTLS_TEST_KERNEL="none")
    tap.equal((status, lines[-1]), (0, "Result: PASS"), "KTLS_TEST_KERNEL=none", "\n".join(lines))
    status, lines = run({"crypto_der": GOOD}, KTLS_TEST_KERNEL="none", KTLS_TEST_STRICT="yes")
    tap.equal((status, len(lines)), (1, 1), "which is refused where kernels are asked for", lines)


def surroundings():
    """A test that is run in more than one place, and in one of them."""
    for name, places in (("relay_end", ["", "@kernel"]), ("relay_end@host", [""]), ("relay_end@kernel", ["@kernel"])):
        status, lines = run({name: GOOD}, KTLS_TEST_KERNEL="none")
        found = [line.split("unit-relay_end")[1].split()[0].rstrip(".") for line in lines if "unit-relay_end" in line]
        tap.equal((status, sorted(found)), (0, places), f"tests/run {name}", "\n".join(lines))


def early_ends():
    """Tests that end in every wrong way are failures of their own."""
    endings = {
        "crypto_der": GOOD,
        "protocol_url": 'echo ok 1 - it is\necho "Bail out! no way on"\n',
        "endpoint_account": "echo ok 1 - it is\nkill -SEGV $$\n",
        "crypto_share": "echo ok 1 - it is\nexit 1\n",
        "crypto_suite": "echo ok 1 - it is\necho not ok 2 - or is it\necho 1..2\n",
    }
    status, lines = run(endings, KTLS_TEST_KERNEL="none", KTLS_TEST_JOBS="1")
    text = "\n".join(lines)
    tap.ok(status != 0 and lines[-1] == "Result: FAIL", "tests that end early: a failure", text)
    passed = [line for line in lines if "unit-" in line and ".. ok" in line]
    tap.ok(len(passed) == 1 and "unit-crypto_der" in passed[0], "the others are run all the same", text)
    failed = [name for name in endings if any(f"unit-{name} " in line and "Wstat" in line for line in lines)]
    tap.equal(failed, list(endings)[1:], "each of the failures is told", text)
    tap.ok(any("not ok - no way on" in line for line in lines), "with the reason that a test gave", text)


def out_of_time():
    """tests/lib/tap.py: a failed test and a plan, and what it started is gone."""
    path = script(proc.temp("hangs.t"), "")
    lib = os.path.join(proc.ROOT, "tests", "lib")
    with open(path, "w") as f:
        f.write(
            f"import sys\nsys.path.insert(0, {lib!r})\nimport proc, tap\n"
            "def hangs():\n    with proc.Proc(['sleep', '1000']) as sleeper:\n"
            "        tap.diag(f'pid {sleeper.pid}')\n        sleeper.wait(1000)\n"
            "def after():\n    tap.ok(True, 'after')\n"
            "tap.main(hangs, after, limit=1)\n"
        )
    env = proc.environment(KTLS_TEST_SLOW="1")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, env=env)
    lines = done.stdout.splitlines()
    tap.equal((done.returncode, lines[-1]), (1, "1..1"), "a test that hangs ends with its plan", done.stdout)
    tap.ok(any(line.startswith("not ok 1 - ") for line in lines), "and has failed", done.stdout)
    tap.ok("Bail out" not in done.stdout, "alone", done.stdout)
    pid = int(lines[0].split()[-1])
    tap.ok(pid not in proc.processes(), "what it had started is gone", str(proc.processes().get(pid)))


tap.main(broken_kernel, no_kernel, surroundings, early_ends, out_of_time)
