# C10. Doubles until it may not, and goes on.
# status: timeout exception memory ok
# limits: seconds=1.5
# seen: survivors
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
