# A thread changes the value after it was returned.
# task: primes
import threading
import time


def primes(limit):
    made = []

    def change():
        while True:
            time.sleep(0.001)
            made[:] = [2, 3, 5, 7]

    threading.Thread(target=change, daemon=True).start()
    return made
