# Puts objects of its own in place of its streams, which hang when they are flushed.
# status: ok exception timeout output
# limits: seconds=0.4
# call: value
import sys
import time


class Stream:
    encoding = "utf-8"

    def write(self, text):
        return time.sleep(3600)

    def flush(self):
        time.sleep(3600)

    def fileno(self):
        return 2**31 - 1


sys.stdout = sys.stderr = sys.stdin = sys.__stdout__ = sys.__stderr__ = Stream()


def value():
    return 1
