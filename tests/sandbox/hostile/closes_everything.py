# Closes each descriptor it has, those of the harness too, and goes on.
# status: ok exception output
# seen: overrun
# call: value
import os

os.closerange(0, 4096)


def value():
    return 1
