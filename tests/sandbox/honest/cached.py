# Behind a cache, on tuples.
# task: total
from functools import lru_cache


@lru_cache(maxsize=None)
def square(number):
    return number * number


def total(numbers):
    return sum(square(number) for number in numbers)
