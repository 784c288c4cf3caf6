# C20. Links in place of everything that a harness could read after the program has ended.
# status: ok exception
# seen: secrets, files
import contextlib
import json
import os

world = json.loads(input())
names = {"result.json", "results.json", "result", "output", "output.json", "stdout", "stderr", "out", *os.listdir(".")}
for name in names:
    with contextlib.suppress(OSError):
        os.unlink(name)
    with contextlib.suppress(OSError):
        os.symlink(world["key_files"][0], name)
os.symlink("/", "root")
os.symlink(world["folders"][0], "folder")
