# Asks to be the last that is killed for want of memory.
# status: ok exception
# seen: identity
# bare: identity
import contextlib
import ctypes
import os
import time

ctypes.CDLL(None).prctl(15, b"hostile", 0, 0, 0)
with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
    file.write("-1000")
with contextlib.suppress(OSError):
    os.nice(-20)
time.sleep(0.2)
