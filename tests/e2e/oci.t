#!/usr/bin/python3
# ktls-init in OCI containers (runc, crun), with as little as may be allowed.
# runs: host; not: sanitizers (programs that need a C library in the container)

import lib
import oci
import separation
import tap

separation.need_root()
if not oci.RUNTIMES:
    tap.skip_all("neither runc nor crun is installed")
tap.main(oci.matrix)
