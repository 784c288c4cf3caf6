# Each process is within the limit, all together take 3 GiB.
# status: memory exception ok timeout
# limits: seconds=6, processes=32
# seen: memory
import os
import time

kept = []
for _ in range(28):
    if not os.fork():
        try:
            kept = bytearray(b"x" * (110 << 20))
        except MemoryError:
            os._exit(1)
        time.sleep(2)
        os._exit(0)
time.sleep(2)
