#!/usr/bin/python3
# ktls-init in OCI containers (runc, crun), with as little as may be allowed.
# not: sanitizers (programs that need a C library in the container)

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import oci
import separation
import tap

separation.need_root()
if not oci.RUNTIMES:
    tap.skip_all("neither runc nor crun is installed")
tap.main(oci.matrix)
