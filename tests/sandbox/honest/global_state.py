# Remembers its calls in globals.
# task: mean
CALLS = []
TOTAL = 0.0


def mean(numbers):
    global TOTAL
    CALLS.append(len(numbers))
    TOTAL = 0.0
    for number in numbers:
        TOTAL += number
    return TOTAL / CALLS[-1]
