# Kinds of int of its own, which say nothing false.
# task: total
class Number(int):
    def __add__(self, other):
        return Number(int(self) + int(other))

    __radd__ = __add__


def total(numbers):
    made = Number(0)
    for number in numbers:
        made = made + Number(number * number)
    return made
