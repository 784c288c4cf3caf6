# The memory of other processes: those of other sandboxes too, where they share its user.
# status: ok exception timeout
# limits: seconds=3
# seen: secrets
# bare: secrets
import contextlib
import ctypes
import json
import os
import re

libc = ctypes.CDLL(None)
libc.ptrace.argtypes = [ctypes.c_long] * 4
world = json.loads(input())
everyone = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
for pid in sorted({*world["siblings"], os.getppid(), *everyone} - {os.getpid()}):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            if "[heap]" in line or "[stack]" in line:
                first, last = (int(end, 16) for end in line.split()[0].split("-"))
                with contextlib.suppress(OSError, OverflowError):
                    memory.seek(first)
                    print(re.findall(rb"planted-[0-9a-f]+", memory.read(last - first)))
