# Processes that spin side by side: each is within its processor time, all together are not.
# status: timeout exception
# limits: seconds=4, cpu_seconds=0.5
import os
import time

children = [os.fork() for _ in range(3)]
end = time.monotonic() + 6
while time.monotonic() < end:
    pass
