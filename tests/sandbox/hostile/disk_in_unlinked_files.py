# Files that have no name any more and are still open: who adds up sizes by names misses them.
# status: memory exception timeout
# limits: seconds=4, disk_bytes=4194304
import os
import time

kept = []
for at in range(32):
    kept.append(open(f"file-{at}", "wb", 0))
    os.unlink(f"file-{at}")
    kept[-1].write(b"x" * (1 << 20))
time.sleep(0.5)
