# Tells everything it does.
# task: total
def total(numbers):
    made = 0
    for number in numbers:
        made += number**2
        print("adding", number, "squared:", made)
    return made
