# C7. System V shared memory, which outlives its process.
# status: memory exception ok
# limits: seconds=6
# seen: memory, marks
import ctypes
import json

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
mark = json.loads(input())["mark"].encode()
for at in range(12):
    held = libc.shmget(0x4A5C0000 + at, 256 << 20, 0o1666)
    if held < 0:
        break
    place = libc.shmat(held, None, 0)
    if place in (None, ctypes.c_void_p(-1).value):
        break
    ctypes.memset(place, 120, 256 << 20)
    ctypes.memmove(place, mark, len(mark))
    libc.shmdt(ctypes.c_void_p(place))
