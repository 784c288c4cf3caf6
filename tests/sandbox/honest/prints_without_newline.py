# Says things on both streams and does not end its line.
# task: total
import sys

sys.stderr.write("careful")
sys.stdout.write("no newline here")


def total(numbers):
    sys.stdout.write(".")
    return sum(n * n for n in numbers)
