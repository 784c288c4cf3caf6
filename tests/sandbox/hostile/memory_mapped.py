# Maps 8 TiB that costs nothing, then touches 3 GiB of a shared mapping.
# status: memory exception
# limits: seconds=6
# seen: memory
import mmap

try:
    idle = mmap.mmap(-1, 8 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
except (OSError, MemoryError):
    idle = None
shared = mmap.mmap(-1, 3 << 30)
for at in range(0, 3 << 30, 4096):
    shared[at] = 1
