# A generator that never ends, as a value, and lists that iterate for ever.
# status: ok output exception timeout memory
# limits: seconds=1
# call: generator
# call: sequence
import itertools


class Endless(list):
    def __iter__(self):
        return itertools.count()

    def __len__(self):
        return 2


def generator():
    return itertools.count()


def sequence():
    return Endless([1, 2])
