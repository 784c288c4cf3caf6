# C12. A daemon by the book: no group, no session and no parent ties it to the program.
# status: ok exception
# seen: survivors
# bare: survivors
import os
import time

if not os.fork():
    os.setsid()
    if not os.fork():
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        time.sleep(20)
    os._exit(0)
os.wait()
