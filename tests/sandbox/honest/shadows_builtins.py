# Names of its own that are builtins elsewhere.
# task: total
def sum(numbers):
    made = 0
    for number in numbers:
        made = made + number
    return made


list = print = len = None


def total(numbers):
    return sum([n * n for n in numbers])
