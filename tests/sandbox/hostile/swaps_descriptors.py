# Puts each descriptor in place of each other.
# status: ok exception output timeout
# limits: seconds=2
# seen: overrun
# call: value
import contextlib
import os

for first in range(32):
    for second in range(32):
        with contextlib.suppress(OSError):
            os.dup2(first, second)


def value():
    return 1
