# Children that each use little processor time, one after another: no limit of one process holds.
# status: timeout exception
# limits: seconds=4, cpu_seconds=0.5
import os
import time

while True:
    if not os.fork():
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        os._exit(0)
    os.wait()
