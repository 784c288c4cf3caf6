# C27. A queue through which calls pass that no filter of calls sees.
# status: ok exception
# seen: descriptors
# bare: descriptors
import ctypes
import time

libc = ctypes.CDLL(None)
libc.prctl(15, b"hostile", 0, 0, 0)
handle = libc.syscall(425, 8, ctypes.create_string_buffer(256))
time.sleep(0.3 if handle >= 0 else 0)
