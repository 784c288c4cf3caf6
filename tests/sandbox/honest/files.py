# Keeps its numbers in a file.
# task: total
import os
import tempfile


def total(numbers):
    with tempfile.NamedTemporaryFile("w+", delete=False) as file:
        file.write("\n".join(map(str, numbers)))
    with open(file.name) as again:
        made = sum(int(line) ** 2 for line in again)
    os.remove(file.name)
    return made
