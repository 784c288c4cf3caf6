# C46. Leaves something everywhere where a later program could find it.
# status: ok exception
# seen: marks
import contextlib
import ctypes
import json
import os

world = json.loads(input())
mark, text = world["mark"], f"import builtins; builtins.print('{world['mark']}')\n"
names = ["hostile.pth", "sitecustomize.py", "usercustomize.py", "json.py", "random.py", "conftest.py", "mark"]
folders = [".", "/tmp", "/dev/shm", "/var/tmp", "/run", os.path.expanduser("~")]
folders.append(os.path.expanduser("~/.local/lib/python3.11/site-packages"))
for folder in folders:
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
    for name in names:
        with contextlib.suppress(OSError), open(f"{folder}/{name}", "x") as file:
            file.write(text)
for folder in world["libraries"]:
    with contextlib.suppress(OSError), open(f"{folder}/hostile-{world['token']}.pth", "x") as file:
        file.write(f"# {mark}\n")
libc = ctypes.CDLL(None)
for ring in (-1, -2, -3, -4, -5):
    libc.syscall(248, b"user", b"hostile", mark.encode(), len(mark), ring)
libc.mq_open(b"/hostile", os.O_CREAT | os.O_RDWR, 0o666, None)
queue = libc.msgget(0x4A5C, 0o1666)
libc.msgsnd(queue, (1).to_bytes(8, "little") + mark.encode(), len(mark), 0o4000)
