# The same at the birth of a process, by clone and by clone3.
# status: ok exception
# seen: namespaces
import ctypes
import os
import struct
import time

libc = ctypes.CDLL(None)
libc.prctl(15, b"hostile", 0, 0, 0)
time.sleep(0.2)
for made in (
    lambda: libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0),
    lambda: libc.syscall(435, struct.pack("<11Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88),
):
    if made() == 0:
        time.sleep(0.2)
        os._exit(0)
time.sleep(0.2)
