#!/usr/bin/python3
# Our programs among execline's, s6's and ucspi-tcp's.
# runs: host
# runs: newest kernel; not: sanitizers

import lib
import chains
import tap

tap.main(host=chains.all_with("user"), kernel=chains.all_with("kernel"))
