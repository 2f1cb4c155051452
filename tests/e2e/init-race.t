#!/usr/bin/python3
# ktls-init: a signal sent in the first milliseconds is not lost, whatever it
# finds: no ktls-init yet, no program yet, or no process group yet.

import os
import random
import signal
import time

import lib
import init
import proc
import tap
from init import INIT, NAMESPACE, WITNESS

SECONDS = 3  # for each of the four, and longer when no signal has met the program
TERMINATED = 128 + signal.SIGTERM
ENVIRONMENT = init.environment()


def start(argv, blocked):
    return os.posix_spawnp(argv[0], argv, ENVIRONMENT, setsigmask=blocked)


def first_of_namespace(pid):
    return proc.await_true(lambda: init.children(pid), "the namespace's first process")[0]


def spin(seconds):
    """Sleeping is not exact enough."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def exit_code(pid):
    """None when it has not ended in time."""
    pidfd = os.pidfd_open(pid)
    try:
        if proc.select.select([pidfd], [], [], proc.LIMIT)[0]:
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        os.close(pidfd)
    for left in (*proc.descendants(pid), pid):
        os.kill(left, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def once(prefix, options, blocked, delay):
    pid = start([*prefix, INIT, "-ns", *options, WITNESS, "die"], blocked)
    target = first_of_namespace(pid) if prefix else pid
    spin(delay)
    os.kill(target, signal.SIGTERM)
    return exit_code(pid)


def start_takes():
    """How long until the program runs: signals are sent until a little later."""
    began = time.perf_counter()
    for _ in range(20):
        os.waitpid(start([INIT, "-ns", "true"], []), 0)
    return (time.perf_counter() - began) / 20


def race(name, wanted, prefix=(), options=(), blocked=()):
    """blocked: by who starts it, so that the signal waits for ktls-init."""
    longest, codes = start_takes() * 1.2, {}
    begin = time.monotonic()
    end = {True: begin + SECONDS, False: begin + proc.LIMIT}
    while time.monotonic() < end[TERMINATED in codes] and None not in codes:
        code = once(prefix, options, blocked, random.uniform(0, longest))
        codes[code] = codes.get(code, 0) + 1
    tap.ok(set(codes) <= set(wanted), f"{name}: of {sum(codes.values())} signals none is lost", codes)
    tap.ok(TERMINATED in codes, f"{name}: some met the program", codes)


def sent_at_once():
    # before ktls-init has blocked it, the signal ends ktls-init itself
    race("subreaper", {TERMINATED, -signal.SIGTERM})
    race("subreaper, blocked before", {TERMINATED}, blocked=[signal.SIGTERM])
    race("subreaper, -g, blocked before", {TERMINATED}, options=["-g"], blocked=[signal.SIGTERM])


@init.needs_namespace
def sent_to_process_1():
    # what is not blocked yet the kernel keeps from a process 1
    race("process 1, blocked before", {TERMINATED}, prefix=NAMESPACE, blocked=[signal.SIGTERM])


tap.main(sent_at_once, sent_to_process_1)
