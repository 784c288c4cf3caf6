# By exact fractions, a float at the end.
# task: mean
from fractions import Fraction


def mean(numbers):
    return float(sum(map(Fraction, numbers)) / len(numbers))
