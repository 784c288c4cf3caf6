# Numbers far beyond a machine word on the way.
# task: total
def total(numbers):
    huge = 10**400
    return sum((n + huge) ** 2 - 2 * n * huge - huge**2 for n in numbers)
