# Files in a folder that may be entered and not be read.
# status: memory exception timeout
# limits: seconds=4, disk_bytes=4194304
import os
import time

os.mkdir("closed", 0o300)
for at in range(32):
    with open(f"closed/file-{at}", "wb") as file:
        file.write(b"x" * (1 << 20))
time.sleep(0.5)
