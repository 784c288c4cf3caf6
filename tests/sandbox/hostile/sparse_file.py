# A file that claims a terabyte, and one whose blocks are set aside without a write.
# status: exception ok output memory
# limits: seconds=4
# seen: memory, files
import contextlib
import os

with contextlib.suppress(OSError), open("sparse", "wb") as file:
    file.truncate(1 << 40)
with contextlib.suppress(OSError), open("reserved", "wb") as file:
    os.posix_fallocate(file.fileno(), 0, 3 << 30)
