# Wrapped in a decorator that counts time.
# task: total
import functools
import time


def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            print(f"{time.perf_counter() - began:.6f}")

    return wrapper


@timed
def total(numbers):
    return sum(n * n for n in numbers)
