# Locks memory, asks for huge pages, and touches it.
# status: memory exception ok
# limits: seconds=6
# seen: memory
import ctypes
import mmap

libc = ctypes.CDLL(None)
libc.mlockall(3)
kept = []
for _ in range(24):
    try:
        block = mmap.mmap(-1, 128 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        block.madvise(14)
        block[:] = b"x" * len(block)
    except (OSError, MemoryError, ValueError):
        break
    kept.append(block)
