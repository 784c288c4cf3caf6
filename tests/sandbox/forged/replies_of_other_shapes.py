# Well-formed plain data that is no reply: statuses there are none of, too few fields, other types.
# task: total
# says: held
import os
import struct
import sys

SHAPES = [("ok",), "ok", ("passed", 0, "", ""), (["ok"], 0, "", ""), ("ok", 0, 5, None), {"status": "ok"}, None]
print("held", flush=True)


def total(numbers):
    content = sys.modules["plain"].encode(SHAPES.pop(), 1000)
    os.write(4, struct.pack(">I", len(content) + 1) + b"a" + content)
    return total(numbers) if SHAPES else 0
