#!/usr/bin/python3
# needs: ktls
# not: sanitizers
# Single system calls that fail where the kernel has the keys; see inject.t.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import inject
import inject_cases as cases
import tap


def kernel():
    inject.test(cases.server(["-m", "kernel"], "1.3"), "ktls-tlsd -m kernel")
    inject.test(cases.client(["-m", "kernel"], "1.3"), "ktls-tlsc -m kernel")


def relay():
    inject.test(cases.server(["-m", "relay"], "1.2"), "ktls-tlsd -m relay")
    inject.test(cases.client(["-m", "relay"], "1.3"), "ktls-tlsc -m relay")


def separation():
    inject.test(cases.server(["-m", "kernel"], "1.3", cases.SEPARATE), "ktls-tlsd -m kernel with TLS_UID")
    inject.test(cases.client(["-m", "kernel"], "1.3", cases.SEPARATE), "ktls-tlsc -m kernel with TLS_UID")


def ucspi():
    inject.test(cases.ucspi_server(["-m", "kernel"], "1.3"), "ktls-ucspitlsd -m kernel")


tap.main(kernel, relay, separation, ucspi, limit=7200 if inject.ALL else 1500)
