#!/usr/bin/python3
# KeyUpdates under load: records in user space; in the kernel where it can replace
# keys (Linux 6.14 and later).
# runs: host
# runs: every kernel; takes: long

import lib
import keyupdate
import proc
import tap


def user_space():
    keyupdate.flood("user", "user")


def relay():
    keyupdate.flood("relay", "relay" if proc.kernel_can_rekey() else "user")


tap.main(host=[user_space], kernel=[relay])
