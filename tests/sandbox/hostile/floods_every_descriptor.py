# The same without an end.
# status: exception output timeout
# limits: seconds=2
# seen: memory
# call: value
import contextlib
import os


def value():
    while True:
        for descriptor in range(3, 64):
            with contextlib.suppress(OSError):
                os.set_blocking(descriptor, False)
                os.write(descriptor, b"\xff" * 65536)
