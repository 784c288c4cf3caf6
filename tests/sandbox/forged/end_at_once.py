# The same before any call, and leaves.
# task: total
# says: held
import os
import struct
import sys

content = sys.modules["plain"].encode(("", ""), 100)
print("held", flush=True)
os.write(4, struct.pack(">I", 1) + b"s" + struct.pack(">I", len(content) + 1) + b"e" + content)
os._exit(0)
