# C16. Its parent, its first process, and the processes outside by their numbers.
# status: exception ok timeout
# limits: seconds=0.8
# seen: siblings
# bare: siblings
import contextlib
import json
import os
import signal
import time

for pid in [*json.loads(input())["siblings"], os.getppid(), os.getpgid(0), os.getsid(0), 1]:
    if pid > 0:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
time.sleep(0.1)
