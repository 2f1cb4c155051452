#!/usr/bin/python3
# STARTTLS from end to end: where the kernel has no TLS; with the keys in the kernel,
# behind pipes and with the connection itself.
# runs: host
# runs: newest kernel

import lib
import starttls
import tap

tap.main(
    host=starttls.all_with("-m user", ["-m", "user"]),
    kernel=[*starttls.all_with("default", []), *starttls.all_with("-m kernel", ["-m", "kernel"])],
)
