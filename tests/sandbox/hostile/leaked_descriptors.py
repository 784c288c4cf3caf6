# C32. Descriptors that the host forgot to close.
# status: ok exception
# seen: secrets, files
# bare: secrets
import contextlib
import os

for descriptor in range(3, 4096):
    with contextlib.suppress(OSError):
        print(descriptor, os.readlink(f"/proc/self/fd/{descriptor}"))
    with contextlib.suppress(OSError):
        print(os.pread(descriptor, 4096, 0))
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, b"hostile", 0)
