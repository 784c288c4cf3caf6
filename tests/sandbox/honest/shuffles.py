# Draws random numbers on its way.
# task: total
import random

random.seed(5)


def total(numbers):
    shuffled = list(numbers)
    random.shuffle(shuffled)
    return sum(n * n for n in shuffled)
