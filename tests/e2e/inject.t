#!/usr/bin/python3
# Single system calls that fail. Each call once, with one error: KTLS_INJECT=1;
# each with every error: KTLS_INJECT=all KTLS_TEST_LIMIT=20000 tests/run inject
# [KTLS_INJECT=3: every third call; 12 where the kernel has TLS].
# runs: host; not: sanitizers
# runs: newest kernel; not: sanitizers

import os

import lib
import inject
import inject_cases as cases
import tap


def server():
    inject.test(cases.server(["-m", "user"], "1.3"), "ktls-tlsd")
    inject.test(cases.server(["-m", "user", "-S"], "1.2"), "ktls-tlsd -S, TLS 1.2")


def client():
    inject.test(cases.client(["-m", "user"], "1.3"), "ktls-tlsc")
    inject.test(cases.client(["-m", "user"], "1.2"), "ktls-tlsc, TLS 1.2")


def separation():
    if os.geteuid() != 0:
        return tap.skip("with TLS_UID", "needs root")
    inject.test(cases.server(["-m", "user"], "1.3", cases.SEPARATE), "ktls-tlsd with TLS_UID")


def ucspi():
    inject.test(cases.ucspi_server(["-m", "user"], "1.3"), "ktls-ucspitlsd")


def init():
    inject.test(cases.init_client("1.3"), "ktls-init and ktls-connect", codes=inject.ANY)


def kernel():
    inject.test(cases.server(["-m", "kernel"], "1.3"), "ktls-tlsd -m kernel")
    inject.test(cases.client(["-m", "kernel"], "1.3"), "ktls-tlsc -m kernel")


def relay():
    inject.test(cases.server(["-m", "relay"], "1.2"), "ktls-tlsd -m relay")
    inject.test(cases.client(["-m", "relay"], "1.3"), "ktls-tlsc -m relay")


def kernel_separation():
    inject.test(cases.server(["-m", "kernel"], "1.3", cases.SEPARATE), "ktls-tlsd -m kernel with TLS_UID")
    inject.test(cases.client(["-m", "kernel"], "1.3", cases.SEPARATE), "ktls-tlsc -m kernel with TLS_UID")


def kernel_ucspi():
    inject.test(cases.ucspi_server(["-m", "kernel"], "1.3"), "ktls-ucspitlsd -m kernel")


tap.main(
    host=[server, client, separation, ucspi, init],
    kernel=[kernel, relay, kernel_separation, kernel_ucspi],
    limit=18000 if inject.ALL else 1500,
)
