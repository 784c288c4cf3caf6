# Frames that claim to be empty, or to be of four gigabytes.
# task: total
import os
import struct


def total(numbers):
    os.write(4, struct.pack(">I", 0) * 3 + struct.pack(">I", 2**32 - 1) + b"a")
    os._exit(0)
