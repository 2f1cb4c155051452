#!/usr/bin/python3
# ktls-init's socket service: what can be asked for, and what cannot.

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import control
import strangers
import tap

tap.main(*control.ALL, *strangers.ALL)
