# C16. Every process that /proc shows, stopped first.
# status: exception ok timeout
# limits: seconds=1
# seen: siblings, innocents
import contextlib
import os
import signal

for entry in os.listdir("/proc"):
    if entry.isdigit() and int(entry) != os.getpid():
        for number in (signal.SIGSTOP, signal.SIGKILL):
            with contextlib.suppress(OSError):
                os.kill(int(entry), number)
