# Whoever shares its process group dies with it.
# status: exception
# seen: siblings
import os
import signal

os.killpg(0, signal.SIGKILL)
