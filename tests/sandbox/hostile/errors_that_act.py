# Exceptions that hang, end the process or raise when they are told.
# status: ok exception timeout output
# limits: seconds=1
# call: raising
# call: huge
# call: hanging
import time


class Raising(Exception):
    def __str__(self):
        raise self

    __repr__ = __str__


class Hanging(BaseException):
    def __str__(self):
        time.sleep(3600)

    __repr__ = __str__


def raising():
    raise Raising


def huge():
    raise ValueError("x" * (64 << 20))


def hanging():
    raise Hanging
