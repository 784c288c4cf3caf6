# A partial function of another.
# task: total
from functools import partial, reduce


def add(start, step, numbers):
    return reduce(step, numbers, start)


total = partial(add, 0, lambda made, number: made + number * number)
