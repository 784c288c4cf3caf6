# C31. Types into a terminal of the host.
# status: ok exception
# seen: terminal
# bare: terminal
import contextlib
import fcntl
import json
import os

world = json.loads(input())
handles = list(range(3))
for place in (world["terminal"], "/dev/tty", "/dev/console"):
    with contextlib.suppress(OSError):
        handles.append(os.open(place, os.O_RDWR | os.O_NOCTTY))
        if place == world["terminal"]:
            os.write(handles[-1], b"hostile")
for handle in handles:
    with contextlib.suppress(OSError):
        fcntl.ioctl(handle, 0x5412, b"!")
