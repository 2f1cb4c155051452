#!/usr/bin/python3
# What is said on stderr of a peer, and of whom: with the relay in user space, and
# with keys in the kernel.
# runs: host
# runs: newest kernel; not: sanitizers

import lib
import lines
import tap

tap.main(
    host=[*lines.all_with(["-m", "user"]), lines.addresses],
    kernel=[*lines.all_with(["-m", "kernel"]), *lines.all_with(["-m", "relay"])],
)
