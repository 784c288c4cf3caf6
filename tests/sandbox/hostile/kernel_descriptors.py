# bpf, perf events, user faults, fanotify: doors into the kernel that no answer needs.
# status: ok exception
# seen: descriptors
# bare: descriptors
import ctypes
import struct
import time

libc = ctypes.CDLL(None)
libc.prctl(15, b"hostile", 0, 0, 0)
event = struct.pack("<IIQQQQQ", 1, 120, 0, 0, 0, 0, 1).ljust(120, b"\0")
handles = [
    libc.syscall(321, 0, struct.pack("<IIIIIIQ", 2, 4, 4, 1, 0, 0, 0).ljust(64, b"\0"), 64),
    libc.syscall(298, event, 0, -1, -1, 0),
    libc.syscall(323, 1),
    libc.syscall(300, 0, 0),
]
time.sleep(0.3 if max(handles) >= 0 else 0)
