#!/usr/bin/python3
# not: sanitizers
# Single system calls that fail. Each call once, with one error: KTLS_INJECT=1;
# each with every error: KTLS_INJECT=all tests/run inject.t inject-kernel.t
# [KTLS_INJECT=3: every third call; 12 where the kernel has TLS].

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

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


tap.main(server, client, separation, ucspi, init, limit=3600 if inject.ALL else 1500)
