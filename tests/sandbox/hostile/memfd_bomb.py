# C6. Memory held by a descriptor, which no limit of the address space counts.
# status: memory exception ok output
# limits: seconds=6
# seen: memory
import contextlib
import os

with contextlib.suppress(OSError):
    held = [os.memfd_create(f"held-{at}") for at in range(12)]
    for descriptor in held:
        for _ in range(256):
            os.write(descriptor, b"x" * (1 << 20))
    os._exit(7)
