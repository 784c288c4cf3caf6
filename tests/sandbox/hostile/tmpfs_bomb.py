# C8. Fills every folder that it may write.
# status: memory exception ok output timeout
# limits: seconds=6
# seen: memory, files
import contextlib
import os

for folder in (".", "/tmp", "/dev/shm", "/var/tmp", "/run", "/dev", "/", os.path.expanduser("~")):
    with contextlib.suppress(OSError), open(f"{folder}/hostile-fill", "wb", 0) as file:
        for _ in range(1024):
            file.write(b"x" * (1 << 20))
