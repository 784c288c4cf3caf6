# Gives no answer, and waits for the verdict of whoever loses patience.
# task: total
import time


def total(numbers):
    time.sleep(3600)
