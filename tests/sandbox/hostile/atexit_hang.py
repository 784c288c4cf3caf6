# C41. Ends, but for what it runs at its end.
# status: timeout ok
# limits: seconds=0.4
import atexit
import time

atexit.register(time.sleep, 3600)
