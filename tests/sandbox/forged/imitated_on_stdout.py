# The harness's frames on stdout and stderr.
# task: total
# says: held
import os
import struct
import sys

content = sys.modules["plain"].encode(("ok", 0, "", ""), 100)
for descriptor in (1, 2):
    os.write(descriptor, (struct.pack(">I", len(content) + 1) + b"a" + content) * 8)
print("held", flush=True)
os._exit(0)
