# The value by which Python asks the other side to compare.
# task: total
def total(numbers):
    return NotImplemented
