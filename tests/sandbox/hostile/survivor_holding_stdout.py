# C13. The program ends, a child keeps its pipes: who waits for their end waits for the child.
# status: ok exception timeout
# seen: overrun, survivors
# bare: survivors
import os
import time

if not os.fork():
    os.setsid()
    time.sleep(20)
