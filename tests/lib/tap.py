"""TAP output, and the frame of an end-to-end test.

A test file defines functions and calls tap.main(function, ...). Each function
is run in turn; what it raises becomes one failed line, never a silent end.
"""

import faulthandler
import functools
import os
import signal
import sys
import threading
import time
import traceback

KERNEL = os.environ.get("KTLS_KERNEL")  # nothing outside of a kernel that was asked for

_lock = threading.Lock()
_count = 0
_failed = 0


def diag(text):
    with _lock:
        for line in str(text).splitlines() or [""]:
            print("# " + line, flush=True)


def ok(condition, name, why=""):
    """One TAP line; why (text or a function) is printed when it fails."""
    global _count, _failed
    name = name.replace("#", "\\#")
    with _lock:
        _count += 1
        _failed += not condition
        print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)
    if not condition:
        diag(why() if callable(why) else why)
    return bool(condition)


def equal(got, wanted, name, why=""):
    return ok(
        got == wanted, name, lambda: f"got {got!r}\nwanted {wanted!r}\n{why() if callable(why) else why}"
    )


def skip(name, reason):
    global _count
    with _lock:
        _count += 1
        print(f"ok {_count} - {name} # SKIP {reason}", flush=True)


def looks_inside(function):
    """A test that looks into our processes, which are not dumpable: only root may."""

    @functools.wraps(function)
    def run(*arguments):
        if os.geteuid() != 0:
            return skip(function.__name__, "needs root, who may look into a process that is not dumpable")
        return function(*arguments)

    return run


def skip_all(reason):
    print(f"1..0 # SKIP {reason}", flush=True)
    sys.exit(0)


class _OutOfTime(BaseException):
    """Not an Exception, which a test may catch."""


def _exit(*_):
    os._exit(1)


def _out_of_time(*_):
    """Unwinds the test, so that what it started is ended; within a minute."""
    faulthandler.dump_traceback(sys.stderr)
    signal.signal(signal.SIGALRM, _exit)
    signal.alarm(60)
    raise _OutOfTime


def bound(functions, *arguments):
    """The functions with these arguments, for main."""

    def bind(function):
        def run():
            function(*arguments)

        run.__name__ = function.__name__
        return run

    return [bind(function) for function in functions]


def _run(function):
    began = time.monotonic()
    try:
        function()
    except Exception:
        ok(False, f"{function.__name__} ended early", traceback.format_exc())
    diag(f"{function.__name__}: {time.monotonic() - began:.1f} s")


def main(*functions, host=(), kernel=(), limit=1500):
    """Runs the functions, and those of the surrounding; limit, in seconds for all of
    them together, ends a test that hangs: a slow machine must not come near it."""
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(int(limit * float(os.environ.get("KTLS_TEST_SLOW", "1"))))
    wanted = sys.argv[1:]
    try:
        for function in (*functions, *(kernel if KERNEL else host)):
            if not wanted or function.__name__ in wanted:
                _run(function)
    except _OutOfTime:
        ok(False, f"the test ended within {limit} s")
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)
