# Moves itself to where no limit holds, lifts the limits, then takes memory.
# status: memory exception
# limits: seconds=6
# seen: memory
import contextlib
import glob
import os

for folder in {os.path.dirname(place) for place in glob.glob("/sys/fs/cgroup/**/cgroup.procs", recursive=True)}:
    for name, text in (
        ("cgroup.procs", str(os.getpid())),
        ("memory.limit_in_bytes", "-1"),
        ("memory.max", "max"),
        ("pids.max", "max"),
    ):
        with contextlib.suppress(OSError), open(f"{folder}/{name}", "w") as file:
            file.write(text)
kept = [bytearray(b"x" * (16 << 20)) for _ in range(192)]
