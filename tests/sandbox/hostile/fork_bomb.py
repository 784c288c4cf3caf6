# C10. Doubles until it may not, and goes on.
# status: timeout exception memory ok
# limits: seconds=0.8
# seen: survivors
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
