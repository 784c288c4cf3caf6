# As one would write it.
# task: total
def total(numbers):
    return sum(number * number for number in numbers)
