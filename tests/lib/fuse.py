"""A file system (FUSE) of one file, whose server lets everybody who closes it
wait until it ends. Needs root, /dev/fuse and a kernel that mounts it."""

import ctypes
import os
import struct
import threading

INIT, LOOKUP, GETATTR, OPEN, RELEASE, FLUSH = 26, 1, 3, 14, 18, 25
MNT_DETACH = 2
ENOSYS = 38


def _attributes(node):
    mode = 0o40755 if node == 1 else 0o100666
    return struct.pack("<6Q10I", node, *[0] * 8, mode, 1, *[0] * 5)


def _answer(operation, node):
    """What follows the header, or None: nothing is answered at all."""
    return {
        INIT: struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0),
        LOOKUP: struct.pack("<QQQQII", 2, 0, 0, 0, 0, 0) + _attributes(2),
        GETATTR: struct.pack("<QII", 0, 0, 0) + _attributes(node),
        OPEN: struct.pack("<QII", 1, 0, 0),
        RELEASE: b"",
        FLUSH: None,
    }.get(operation, ENOSYS)


class Stubborn:
    """A context that gives the file's path; raises OSError where there is no FUSE."""

    def __init__(self, folder):
        self.folder = folder.encode()
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.device = os.open("/dev/fuse", os.O_RDWR)
        self.flushed = threading.Event()
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0".encode()
        if self.libc.mount(b"test", self.folder, b"fuse", 0, options) < 0:
            os.close(self.device)
            raise OSError(ctypes.get_errno(), "mount")
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        try:
            while True:
                self._serve_one(os.read(self.device, 1 << 17))
        except OSError:
            pass

    def _serve_one(self, request):
        _, operation, unique, node = struct.unpack_from("<IIQQ", request)
        answer = _answer(operation, node)
        if operation == FLUSH:
            self.flushed.set()
        if answer is None:
            return
        error, body = (-answer, b"") if answer == ENOSYS else (0, answer)
        os.write(self.device, struct.pack("<IiQ", 16 + len(body), error, unique) + body)

    def __enter__(self):
        return os.path.join(self.folder.decode(), "file")

    def __exit__(self, *_):
        """Ends, so that nobody waits any more."""
        self.libc.umount2(self.folder, MNT_DETACH)
        os.close(self.device)
