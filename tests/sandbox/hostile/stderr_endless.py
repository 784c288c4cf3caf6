# C4. Says more than it may, in one line, past Python.
# status: output timeout
# limits: seconds=4
import os

while True:
    os.write(2, b"x" * 65536)
