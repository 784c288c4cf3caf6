# C15. Whoever shares its process group stops with it.
# status: timeout exception
# limits: seconds=0.8
# seen: overrun, siblings
import os
import signal

os.killpg(0, signal.SIGSTOP)
