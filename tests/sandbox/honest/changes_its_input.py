# Empties what it is given, once it has what it needs.
# task: total
def total(numbers):
    made = 0
    while numbers:
        made += numbers.pop() ** 2
    return made
