# C28. Namespaces of its own, in which it would be root.
# status: ok exception
# seen: namespaces
# bare: namespaces
import ctypes
import os
import time

libc = ctypes.CDLL(None)
libc.prctl(15, b"hostile", 0, 0, 0)
time.sleep(0.2)
for kind in (0x10000000, 0x40000000, 0x00020000, 0x08000000, 0x04000000):
    libc.unshare(kind)
time.sleep(0.2)
