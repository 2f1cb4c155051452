#!/usr/bin/python3
# ktls-ucspitlsd and ktls-ucspitlsc where the kernel has no TLS: y, Y, no; what
# the peer slips in, and what prog must not do.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import proc
import tap
import ucspi
import ucspi_cases

USER = ["-m", "user"]


def need_not_wait():
    ucspi_cases.prog_need_not_wait("user", USER)


def hasty():
    ucspi_cases.hasty_prog("user", USER, "say")


def no_kernel_tls():
    if proc.kernel_has_tls():
        tap.skip("-m kernel without kernel TLS", "this kernel has TLS")
        return
    with ucspi.server(["ask=Y", "answer", "reap"], ["-m", "kernel"]) as (ours, _, report):
        tap.equal(report()["code"], 97, "-m kernel without kernel TLS: the helper exits 97", ours.stderr)
        tap.equal(report()["answer"], "", "-m kernel without kernel TLS: no answer")


tap.main(*ucspi_cases.all_with("user", USER), need_not_wait, hasty, no_kernel_tls)
