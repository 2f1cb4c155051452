#!/usr/bin/python3
"""answer.py PROG...

Runs PROG where setsockopt(TCP_ULP) and setsockopt(SOL_TLS) do nothing and
succeed: how programs take the way of -m kernel on a machine whose kernel has no
TLS. Only for progs that write nothing, since nothing protects what they write.
"""

import ctypes
import os
import socket
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SOL_TLS, TCP_ULP = 282, 31


class SockFilter(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    ]


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(SockFilter))]


def for_kernel():
    """From here on setsockopt(TCP_ULP) and setsockopt(SOL_TLS) do nothing and
    succeed, for this process and all below it."""
    load, equal, give = 0x20, 0x15, 0x06
    setsockopt = {"x86_64": 54, "aarch64": 208}[os.uname().machine]
    allow, succeed = 0x7FFF0000, 0x00050000
    program = [
        (load, 0, 0, 0),
        (equal, 0, 5, setsockopt),
        (load, 0, 0, 24),
        (equal, 4, 0, SOL_TLS),
        (equal, 0, 2, socket.IPPROTO_TCP),
        (load, 0, 0, 32),
        (equal, 1, 0, TCP_ULP),
        (give, 0, 0, allow),
        (give, 0, 0, succeed),
    ]
    filters = (SockFilter * len(program))(*[SockFilter(*line) for line in program])
    fprog = SockFprog(len(program), filters)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, 2, ctypes.byref(fprog), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    for_kernel()
    os.execvp(sys.argv[1], sys.argv[1:])
