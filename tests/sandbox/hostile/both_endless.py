# Floods both streams from threads in tiny pieces: who reads one until it ends never reads the other.
# status: output timeout exception
# limits: seconds=4
import os
import threading


def flood(descriptor):
    while True:
        os.write(descriptor, b".")


threading.Thread(target=flood, args=(2,)).start()
flood(1)
