# Looks for what an earlier program left, wherever that could be, and tells all that it finds.
import contextlib
import ctypes
import os
import sys

print(sys.path, dict(os.environ))
folders = [".", "/tmp", "/dev/shm", "/var/tmp", "/run", "/dev/mqueue", os.path.expanduser("~")]
for top in [*folders, *sys.path]:
    for folder, _, names in os.walk(top) if top in folders else [(top, [], os.listdir(top) if os.path.isdir(top) else [])]:
        for name in names:
            if top in folders or name.startswith("hostile"):
                print(folder, name)
                with contextlib.suppress(OSError), open(os.path.join(folder, name), "rb") as file:
                    print(file.read(4096))
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
room = ctypes.create_string_buffer(4096)
for ring in (-1, -2, -3, -4, -5):
    key = libc.syscall(250, 10, ring, b"user", b"hostile", 0)
    if key > 0 and libc.syscall(250, 11, key, room, 4096) > 0:
        print(room.raw)
for at in range(12):
    held = libc.shmget(0x4A5C0000 + at, 0, 0)
    place = libc.shmat(held, None, 0o10000) if held >= 0 else None
    if place not in (None, ctypes.c_void_p(-1).value):
        print(ctypes.string_at(place, 64))
queue = libc.msgget(0x4A5C, 0)
if queue >= 0 and libc.msgrcv(queue, room, 4000, 0, 0o4000) > 0:
    print(room.raw)
if libc.mq_open(b"/hostile", os.O_RDONLY) >= 0:
    print("a queue of messages is left")
