# Every process is born, forks and dies at once: whoever lists the processes to kill them is late.
# status: ok exception timeout
# limits: seconds=0.8
# seen: survivors, overrun
import os
import time

end = time.time() + 15
while time.time() < end:
    try:
        if os.fork():
            os._exit(0)
    except OSError:
        break
