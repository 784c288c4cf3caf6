# The name of the host, and files of the kernel that set things.
# status: ok exception
# seen: host
import contextlib
import ctypes
import json
import os

world = json.loads(input())
libc = ctypes.CDLL(None)
libc.sethostname(b"hostile", 7)
libc.setdomainname(b"hostile", 7)
for place in ("/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", "/dev/kmsg"):
    with contextlib.suppress(OSError), open(place, "w") as file:
        file.write(f"hostile-{world['token']}\n")
