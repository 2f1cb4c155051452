#!/usr/bin/python3
# KeyUpdates under load, records in user space.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import keyupdate
import tap


def user_space():
    keyupdate.flood("user", "user")


tap.main(user_space)
