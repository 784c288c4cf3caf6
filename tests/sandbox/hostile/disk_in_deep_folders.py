# Files so deep that no path leads to them: who adds up sizes by paths misses them.
# status: memory exception timeout
# limits: seconds=4, disk_bytes=4194304
import os
import time

for _ in range(30):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
for at in range(32):
    with open(f"file-{at}", "wb") as file:
        file.write(b"x" * (1 << 20))
time.sleep(0.5)
