# C11. Threads until no more can be had, all of them asleep.
# status: timeout exception memory
# limits: seconds=0.8
import threading
import time

while True:
    try:
        threading.Thread(target=time.sleep, args=(3600,)).start()
    except RuntimeError:
        time.sleep(0.01)
