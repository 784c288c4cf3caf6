# A recursion of some thousand levels.
# task: total
import sys

sys.setrecursionlimit(10**6)


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


def total(numbers):
    assert depth(5000) == 5000
    return numbers[0] ** 2 + total(numbers[1:]) if numbers else 0
