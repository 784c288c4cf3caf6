# Other users, groups and capabilities, and programs that give them.
# status: ok exception
# seen: identity
# bare: identity
import contextlib
import ctypes
import os
import subprocess
import time

libc = ctypes.CDLL(None)
libc.prctl(15, b"hostile", 0, 0, 0)
for change in (lambda: os.setresuid(0, 0, 0), lambda: os.setresgid(0, 0, 0), lambda: os.setgroups([0])):
    with contextlib.suppress(OSError):
        change()
libc.prctl(38, 0, 0, 0, 0)
for program in (["su", "-c", "id"], ["mount"], ["sudo", "-n", "id"]):
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, timeout=0.5)
time.sleep(0.2)
