# With a main block that reads its input, of which there is none.
# task: backwards
import sys


def backwards(text):
    return "".join(reversed(text))


if __name__ == "__main__":
    for line in sys.stdin:
        print(backwards(line))
