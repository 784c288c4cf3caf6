# C2. Takes no processor time at all.
# status: timeout
# limits: seconds=0.4
import time

time.sleep(3600)
