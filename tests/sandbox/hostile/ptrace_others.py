# C29. Takes hold of other processes, so that they die with it.
# status: ok exception timeout
# limits: seconds=2
# seen: siblings
# bare: siblings
import ctypes
import json
import os

libc = ctypes.CDLL(None)
world = json.loads(input())
for pid in [*world["siblings"], os.getppid()]:
    libc.ptrace(0x4206, pid, None, ctypes.c_void_p(0x100000))  # seized, to die with this process
    libc.ptrace(16, pid, None, None)  # attached
