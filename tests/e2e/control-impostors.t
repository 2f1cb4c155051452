#!/usr/bin/python3
# ktls-init's socket service: clients that are not who made their channel.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import impostors
import tap

tap.main(*impostors.ALL)
