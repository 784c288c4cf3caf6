# F57. Frames of a good end on each descriptor, before any call.
# task: total
# says: held
import contextlib
import os
import struct
import sys

plain = sys.modules["plain"]
print("held", flush=True)
for kind in (b"s", b"e", b"a", b"c", b"r"):
    for content in (plain.encode(("", ""), 100), plain.encode(("ok", 0, "", ""), 100), b""):
        frame = struct.pack(">I", len(content) + 1) + kind + content
        for descriptor in range(3, 32):
            with contextlib.suppress(OSError):
                os.write(descriptor, frame)
