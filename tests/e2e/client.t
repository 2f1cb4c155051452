#!/usr/bin/python3
# ktls-connect, ktls-accept and a client in Python, below ktls-init.
# runs: host
# runs: newest kernel; takes: long

import lib
import client
import tap

tap.main(host=client.bound("user"), kernel=client.bound("kernel"))
