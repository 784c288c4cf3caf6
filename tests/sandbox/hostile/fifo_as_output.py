# C44. Pipes in place of everything that a harness could open: who opens one waits for ever.
# status: ok exception
# seen: overrun, files
import contextlib
import os

for name in {"result.json", "results.json", "result", "output", "stdout", "stderr", *os.listdir(".")}:
    with contextlib.suppress(OSError):
        os.unlink(name)
    with contextlib.suppress(OSError):
        os.mkfifo(name)
