# C34. Reads on when there is nothing more to read.
# status: ok exception
# seen: overrun
import os
import sys

sys.stdin.read()
for _ in range(1000):
    assert os.read(0, 4096) == b""
