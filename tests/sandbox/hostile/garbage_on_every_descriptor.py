# Writes nonsense to each descriptor: what the harness reads there is no answer, and no fault of it.
# status: exception output timeout ok
# limits: seconds=2
# call: value
import contextlib
import os

for descriptor in range(3, 256):
    with contextlib.suppress(OSError):
        os.set_blocking(descriptor, False)
        os.write(descriptor, b"\xff" * 4096)


def value():
    return 1
