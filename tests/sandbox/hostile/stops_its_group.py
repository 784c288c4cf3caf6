# C15. Whoever shares its process group stops with it.
# status: timeout exception
# limits: seconds=0.4
# seen: overrun, siblings
import os
import signal

os.killpg(0, signal.SIGSTOP)
