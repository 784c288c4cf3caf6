# Values that run code, lie of their class, or hang, when they are looked at.
# status: ok output exception timeout
# limits: seconds=1
# call: reduced
# call: lying
# call: comparing
# call: hashing
import os
import time


class Reduced:
    def __reduce__(self):
        return os.system, ("kill -9 $PPID",)


class Lying:
    __class__ = property(lambda self: time.sleep(0.01) or dict)

    def __getattribute__(self, name):
        if name in ("items", "keys", "__iter__", "__len__"):
            time.sleep(0.01)
        return object.__getattribute__(self, name)


class Comparing(int):
    def __eq__(self, other):
        return True

    def __index__(self):
        return 1 // 0

    def __repr__(self):
        os._exit(3)

    __hash__ = int.__hash__


class Hashing(dict):
    def items(self):
        while True:
            yield time.sleep(3600)


def reduced():
    return [Reduced()]


def lying():
    return Lying()


def comparing():
    return {Comparing(3): Comparing(4)}


def hashing():
    return Hashing(a=1)
