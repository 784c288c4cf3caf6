# Leaves a thread that ticks for ever.
# task: backwards
import threading
import time


def tick():
    while True:
        time.sleep(0.01)


threading.Thread(target=tick, daemon=True).start()


def backwards(text):
    return text[::-1]
