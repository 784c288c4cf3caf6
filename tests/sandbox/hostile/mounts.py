# File systems of its own, by the old calls and by the new ones.
# status: ok exception
# seen: mounts
# bare: mounts
import ctypes
import os
import time

libc = ctypes.CDLL(None)
libc.prctl(15, b"hostile", 0, 0, 0)
libc.unshare(0x10000000 | 0x00020000)
libc.mount(None, b"/", None, 0x4000 | 0x40000, None)
libc.mount(b"hostile", b"/tmp", b"tmpfs", 0, b"size=4g")
libc.mount(b"hostile", b"/proc", b"proc", 0, None)
context = libc.syscall(430, b"tmpfs", 0)
libc.syscall(431, context, 6, None, None, 0)
time.sleep(0.2)
