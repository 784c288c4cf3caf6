# Has a last word.
# task: backwards
import atexit

atexit.register(print, "good bye")


def backwards(text):
    return "".join(text[at] for at in range(len(text) - 1, -1, -1))
