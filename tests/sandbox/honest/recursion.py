# Recursive, and told so.
# task: backwards
import sys

sys.setrecursionlimit(20_000)


def backwards(text):
    return backwards(text[1:]) + text[0] if text else ""
